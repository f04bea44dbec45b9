import { describe, expect, test } from 'vitest'
import { explainPlan, explainText } from '../explain.ts'
import { plan } from '../facts.fixture.ts'

function windowOf(definition: string): string {
  const text = explainText(explainPlan(plan(definition, { a: 'integer', b: 'bigint' })))
  return /window {2}.*(?= {2}\[)/.exec(text)?.[0] ?? text
}

describe('the WINDOW clause', () => {
  test('is resolved where it is used', () => {
    const query =
      'SELECT o.qty AS a, rank() OVER w AS b FROM shop.orders o WINDOW w AS (PARTITION BY o.note ORDER BY o.qty)'
    expect(windowOf(query)).toMatchInlineSnapshot(`"window  by note: rank() OVER (PARTITION BY note ORDER BY qty)"`)
  })

  test('speaks of groups where the query groups', () => {
    const query =
      'SELECT o.qty AS a, rank() OVER w AS b FROM shop.orders o GROUP BY o.qty WINDOW w AS (ORDER BY (count(*)), o.qty)'
    expect(windowOf(query)).toMatchInlineSnapshot(`"window  one partition: rank() OVER (ORDER BY count, qty)"`)
  })

  test('may be extended', () => {
    const query =
      'SELECT o.qty AS a, sum(o.id) OVER (w ORDER BY o.id ROWS UNBOUNDED PRECEDING) AS b FROM shop.orders o WINDOW w AS (PARTITION BY o.qty)'
    expect(windowOf(query)).toMatchInlineSnapshot(
      `"window  by qty: sum(id) OVER (PARTITION BY qty ORDER BY id ROWS UNBOUNDED PRECEDING)"`,
    )
  })
})

test('a condition on the query around is not lifted out from under a window', () => {
  const query =
    'SELECT c.id AS a FROM shop.customers c WHERE (c.score IN (SELECT row_number() OVER (ORDER BY o.id) AS row_number FROM shop.orders o WHERE (o.customer_id = c.id)))'
  expect(windowOf(query)).toMatchInlineSnapshot(
    `"window  by key_2: row_number() OVER (PARTITION BY key_2 ORDER BY id_2)"`,
  )
})

test('over grouping sets, a window sees the groups of all sets', () => {
  const query = 'SELECT o.qty AS a, rank() OVER (ORDER BY (sum(o.id))) AS b FROM shop.orders o GROUP BY ROLLUP(o.qty)'
  expect(explainText(explainPlan(plan(query, { a: 'integer', b: 'bigint' })))).toMatch(/window[^]*union all/)
})
