import { describe, expect, test } from 'vitest'
import { explainPlan, explainText } from '../explain.ts'
import { plan } from '../facts.fixture.ts'

/** The shape of a plan: operators and their conditions. */
function shape(definition: string): string {
  const planned = plan(definition, { a: 'integer' })
  return explainText(explainPlan(planned)).replaceAll(/ {2}\[[^\]]*\]$/gm, '')
}

describe('conditions go to the lowest place that has their columns', () => {
  test('from WHERE over a cross join to each side, and to the join', () => {
    expect(
      shape(
        'SELECT o.id AS a FROM shop.orders o, shop.customers c WHERE ((o.customer_id = c.id) AND (o.qty > 1) AND (c.score < 5))',
      ),
    ).toMatchInlineSnapshot(`
      "output  id as a
        └ inner join  (customer_id = id_2)
          └ filter  (qty > 1)
            └ scan  shop.orders as o (id, customer_id, qty)
          └ filter  (score < 5)
            └ scan  shop.customers as c (id, score)"
    `)
  })

  test('a condition without columns stays above', () => {
    expect(shape('SELECT o.id AS a FROM shop.orders o, shop.customers c WHERE (1 > 2)')).toMatchInlineSnapshot(`
      "output  id as a
        └ filter  (1 > 2)
          └ inner join  cross
            └ scan  shop.orders as o (id)
            └ scan  shop.customers as c ()"
    `)
  })

  test('a condition over three relations waits for the third', () => {
    expect(
      shape(
        'SELECT o.id AS a FROM shop.orders o, shop.customers c, shop.visits v WHERE (((o.qty + c.score) > v.customer_id) AND (c.id = v.customer_id))',
      ),
    ).toMatchInlineSnapshot(`
      "output  id as a
        └ inner join  (((qty + score)) > customer_id_2) and (id_2 = customer_id_2)
          └ inner join  cross
            └ scan  shop.orders as o (id, qty)
            └ scan  shop.customers as c (id, score)
          └ scan  shop.visits as v (customer_id)"
    `)
  })
})

test('relations are ordered so that each is connected to those before it', () => {
  expect(
    shape(
      'SELECT o.id AS a FROM shop.orders o, shop.visits v, shop.customers c WHERE ((o.customer_id = c.id) AND (v.customer_id = c.id))',
    ),
  ).toMatchInlineSnapshot(`
    "output  id as a
      └ inner join  (customer_id_2 = id_2)
        └ inner join  (customer_id = id_2)
          └ scan  shop.orders as o (id, customer_id)
          └ scan  shop.customers as c (id)
        └ scan  shop.visits as v (customer_id)"
  `)
})

test('never into an aggregate, nor out of one', () => {
  expect(
    shape(
      'SELECT s.n AS a FROM (SELECT o.note, count(*) AS n FROM shop.orders o WHERE (o.qty > 1) GROUP BY o.note) s WHERE (s.n > 2)',
    ),
  ).toMatchInlineSnapshot(`
    "output  n as a
      └ filter  (n > 2)
        └ project  count as n
          └ aggregate  by note: count(*)
            └ project  note
              └ filter  (qty > 1)
                └ scan  shop.orders as o (qty, note)"
  `)
})

test('never from an outer join’s ON to its left side', () => {
  expect(
    shape(
      'SELECT o.id AS a FROM (shop.orders o LEFT JOIN shop.customers c ON (((c.id = o.customer_id) AND (o.qty > 1)))) WHERE (c.score IS NULL)',
    ),
  ).toMatchInlineSnapshot(`
    "output  id as a
      └ filter  (score IS NULL)
        └ left join  (id_2 = customer_id) and (qty > 1)
          └ scan  shop.orders as o (id, customer_id, qty)
          └ scan  shop.customers as c (id, score)"
  `)
})

describe('what stands beside a relation goes down to it', () => {
  test('a semi join and an anti join, below the join and below the conditions of others', () => {
    expect(
      shape(
        'SELECT o.id AS a FROM shop.orders o, shop.customers c WHERE ((EXISTS (SELECT 1 FROM shop.visits v WHERE (v.customer_id = c.id))) AND (NOT (EXISTS (SELECT 1 FROM shop.visits v WHERE (v.weight = o.id)))) AND (o.customer_id = c.id) AND (c.score < 5))',
      ),
    ).toMatchInlineSnapshot(`
      "output  id as a
        └ inner join  (customer_id = id_2)
          └ anti join  (weight_2 = id)
            └ scan  shop.orders as o (id, customer_id)
            └ scan  shop.visits as v (weight)
          └ semi join  (customer_id_2 = id_2)
            └ filter  (score < 5)
              └ scan  shop.customers as c (id, score)
            └ scan  shop.visits as v (customer_id)"
    `)
  })

  test('not before all columns that it compares are there', () => {
    expect(
      shape(
        'SELECT o.id AS a FROM shop.orders o, shop.customers c WHERE ((EXISTS (SELECT 1 FROM shop.visits v WHERE ((v.customer_id = c.id) AND (v.weight = o.id)))) AND (o.customer_id = c.id))',
      ),
    ).toMatchInlineSnapshot(`
      "output  id as a
        └ semi join  (customer_id_2 = id_2) and (weight = id)
          └ inner join  (customer_id = id_2)
            └ scan  shop.orders as o (id, customer_id)
            └ scan  shop.customers as c (id)
          └ scan  shop.visits as v (customer_id, weight)"
    `)
  })

  test('a subquery that compares nothing stays on top', () => {
    expect(
      shape(
        'SELECT o.id AS a FROM shop.orders o, shop.customers c WHERE ((EXISTS (SELECT 1 FROM shop.visits v)) AND (o.customer_id = c.id))',
      ),
    ).toMatchInlineSnapshot(`
      "output  id as a
        └ semi join  any row
          └ inner join  (customer_id = id_2)
            └ scan  shop.orders as o (id, customer_id)
            └ scan  shop.customers as c (id)
          └ scan  shop.visits as v ()"
    `)
  })

  test('a left join, and conditions of the left side below it', () => {
    expect(
      shape(
        'SELECT o.id AS a FROM ((shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id))) LEFT JOIN shop.visits v ON ((v.customer_id = c.id))) WHERE ((c.score > 1) AND (v.weight IS NULL))',
      ),
    ).toMatchInlineSnapshot(`
      "output  id as a
        └ inner join  (id_2 = customer_id)
          └ scan  shop.orders as o (id, customer_id)
          └ filter  (weight IS NULL)
            └ left join  (customer_id_2 = id_2)
              └ filter  (score > 1)
                └ scan  shop.customers as c (id, score)
              └ scan  shop.visits as v (customer_id, weight)"
    `)
  })
})

describe('a left join is an inner join where a condition rejects its padded rows', () => {
  test.each([
    ['v.weight = o.qty', 'inner'],
    ['o.qty < (v.weight + 1)', 'inner'],
    ['v.weight IS NULL', 'left'],
    ['COALESCE(v.weight, 0) < o.qty', 'left'],
    ['(v.weight > 1) OR (o.qty > 1)', 'left'],
    ['v.weight OPERATOR(own.=) o.qty', 'left'],
    ['o.qty > 1', 'left'],
  ])('%s: %s', (condition, type) => {
    const text = shape(
      `SELECT o.id AS a FROM (shop.orders o LEFT JOIN shop.visits v ON ((v.customer_id = o.customer_id))) WHERE (${condition})`,
    )
    expect(/(inner|left) join/.exec(text)?.[1]).toBe(type)
  })
})
