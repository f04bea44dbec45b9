import { expect, test } from 'vitest'
import { compile, partsOf, sqlOf } from '../facts.fixture.ts'

test('only the groups that say so, found by equality', () => {
  const compiled = compile(
    'SELECT customers.score, max(customers.id) AS last FROM shop.customers GROUP BY customers.score',
    { score: 'integer', last: 'integer' },
    { max: 'integer' },
  )
  expect(sqlOf(compiled, 'groups again', 'groups computed again')).toMatchInlineSnapshot(`
    "-- groups again
    select score as __wanted_1
    from groups
    where __again

    -- groups computed again
    select *, score as __key_1
    from (
      select score, count(*) as __slot_1, max(id) as __slot_2
      from (
        select r.*
        from "groups again" w
        join (
          select score as score, id as id
          from (
            select id, score
            from shop.customers
          ) p
        ) r on r.score = w.__wanted_1
        where (select exists (select 1 from "groups again"))
      ) g
      group by score
    ) k"
  `)
})

test('a group with a null in its key is looked up apart', () => {
  const compiled = compile(
    'SELECT orders.note, max(orders.qty) AS most FROM shop.orders GROUP BY orders.note',
    { note: 'text', most: 'integer' },
    { max: 'integer' },
  )
  expect(sqlOf(compiled, 'groups computed again')).toMatchInlineSnapshot(`
    "-- groups computed again
    select *, substr(sha256(record_send(row(note::text))), 1, 16) as __key_1
    from (
      select note, count(*) as __slot_1, max(qty) as __slot_2
      from (
        select r.*
        from "groups again" w
        join (
          select note as note, qty as qty
          from (
            select qty, note
            from shop.orders
          ) p
        ) r on r.note = w.__wanted_1
        where (select exists (select 1 from "groups again"))
        union all
        select r.*
        from "groups again" w
        join (
          select note as note, qty as qty
          from (
            select qty, note
            from shop.orders
          ) p
        ) r on (r.note = w.__wanted_1 or (r.note is null and w.__wanted_1 is null))
        where (w.__wanted_1 is null)
          and (select exists (select 1 from "groups again" w where w.__wanted_1 is null))
      ) g
      group by note
    ) k"
  `)
})

test('the one group of an ungrouped aggregate', () => {
  const compiled = compile(
    `SELECT string_agg(orders.note, ','::text ORDER BY orders.id) AS notes FROM shop.orders`,
    { notes: 'text' },
    { string_agg: 'text', argument: 'text', sort: 'bigint' },
  )
  expect(sqlOf(compiled, 'groups computed again')).toMatchInlineSnapshot(`
    "-- groups computed again
    select *, true as __key_1
    from (
      select count(*) as __slot_1, string_agg(note, ','::text ORDER BY id) as __slot_2
      from (
        select *
        from (
          select note as note, id as id
          from (
            select id, note
            from shop.orders
          ) p
        ) r
        where (select exists (select 1 from "groups again"))
      ) g
    ) k"
  `)
})

test('nothing of it where every aggregate adds up', () => {
  const compiled = compile(
    'SELECT orders.note, count(*) AS n FROM shop.orders GROUP BY orders.note',
    { note: 'text', n: 'bigint' },
    { count: 'bigint' },
  )
  expect([...partsOf(compiled).keys()].filter((name) => name.includes('again'))).toEqual([])
})
