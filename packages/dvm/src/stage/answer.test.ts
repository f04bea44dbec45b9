import { expect, test } from 'vitest'
import { compile } from '../facts.fixture.ts'

const HAVING = `SELECT x.rest, sum(x.s) AS c
   FROM ( SELECT (orders.qty % 7) AS rest, sum(orders.price) AS s FROM shop.orders GROUP BY orders.qty) x
  WHERE (x.s > 10) GROUP BY x.rest`

test('the query as it is, against the visible columns; state stays, and a new row gets a placeholder for it', () => {
  const compiled = compile(
    HAVING,
    { rest: 'integer', c: 'numeric' },
    { rest: 'integer', sum: 'numeric', s: 'numeric', count: 'bigint', key: 'integer' },
  )
  expect(compiled.tables).toHaveLength(2)
  expect(compiled.answer?.once.quiet).toMatchInlineSnapshot(`
    "with fresh as materialized (
      select * from (
        select rest, c, __key
        from (
          select __shown_1 as rest, __shown_2 as c, substr(sha256(record_send(row(rest::integer))), 1, 16) as __key
          from (
            select *, __shown_1 as rest
            from (
            SELECT x.rest, sum(x.s) AS c
               FROM ( SELECT (orders.qty % 7) AS rest, sum(orders.price) AS s FROM shop.orders GROUP BY orders.qty) x
              WHERE (x.s > 10) GROUP BY x.rest
            ) as a(__shown_1, __shown_2)
          ) n
        ) k
      ) as f(rest, c, __key)
    ),
    changes as (
      select coalesce(t.__key, f.__key) as __key_1, t.__key is not null as __existed, t.__at, f.__key is not null as __alive, f.rest as __new_1, f.c as __new_2, f.__key as __new_3, t.rest as __old_1, t.c as __old_2, row(t.rest, t.c)::record *<> row(f.rest, f.c)::record as __differs
      from fresh f
      full join (
        select *, ctid as __at from shop.answer
      ) t on t.__key = f.__key
      where (t.__key is null or f.__key is null or row(t.rest, t.c, t.__key)::record *<> row(f.rest, f.c, f.__key)::record)
    ),
    "deleted from answer" as (
      delete from shop.answer t
      using changes c
      where t.ctid = c.__at and c.__existed and not (__alive)
      returning 1
    ),
    "inserted into answer" as (
      insert into shop.answer as t (rest, c, __key, __n, __s2)
      select __new_1, __new_2, __new_3, 0, 0
      from changes
      where __alive
        and not __existed
      returning 1
    ),
    "updated in answer" as (
      update shop.answer t
      set rest = __new_1, c = __new_2
      from changes c
      where t.ctid = c.__at and c.__existed and __alive
      returning 1
    )
    select ((select count(*) from "inserted into answer") + (select count(*) from "updated in answer"))::float8 as rows_inserted,
      (select count(*) from "deleted from answer")::float8 as rows_deleted"
  `)
})

test('rows without a key are told apart by what they hold', () => {
  const compiled = compile(
    `SELECT orders.note FROM shop.orders WHERE (orders.qty < ( SELECT max(o.qty) AS max FROM shop.orders o))`,
    { note: 'text' },
    { max: 'integer' },
  )
  expect(compiled.storage).toBe('bag')
  expect(compiled.answer?.compute).toMatchInlineSnapshot(`
    "create temporary table freshet_fresh on commit drop as
    (
      select * from (
        select note, __row, row_number() over (partition by __row) as __ord
        from (
          select __shown_1 as note, substr(sha256(record_send(row(note::text))), 1, 16) as __row
          from (
            select *, __shown_1 as note
            from (
            SELECT orders.note FROM shop.orders WHERE (orders.qty < ( SELECT max(o.qty) AS max FROM shop.orders o))
            ) as a(__shown_1)
          ) n
        ) k
      ) as f(note, __row, __ord)
    )"
  `)
})

test.each([
  ['without inner stages its state is hardly more', 'SELECT orders.id FROM shop.orders', { id: 'bigint' }],
  [
    'its key is not visible',
    `SELECT count(*) AS c FROM ( SELECT DISTINCT orders.note, orders.qty FROM shop.orders) x GROUP BY x.note`,
    { c: 'bigint' },
  ],
  [
    'a constant has several lines',
    `SELECT orders.note FROM shop.orders WHERE ((orders.note <> 'a\nb') AND (orders.qty < ( SELECT max(o.qty) AS max FROM shop.orders o)))`,
    { note: 'text' },
  ],
])('there is none where %s', (_, query, outputs) => {
  const compiled = compile(query, outputs, { max: 'integer', count: 'bigint' })
  expect(compiled.refusal).toBeNull()
  expect(compiled.answer).toBeUndefined()
})
