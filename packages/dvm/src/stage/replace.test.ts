import { expect, test } from 'vitest'
import { compile } from '../facts.fixture.ts'

test('fresh rows against stored ones, by key and image; only what differs is written', () => {
  const compiled = compile('SELECT orders.id, orders.price FROM shop.orders', { id: 'bigint', price: 'numeric(12,2)' })
  expect(compiled.tables[0]?.replace.once.quiet).toMatchInlineSnapshot(`
    "with fresh as materialized (
      select * from (
        select id, price
        from (
          select (id)::bigint as id, (price)::numeric(12,2) as price
          from (
            select id, price
            from shop.orders
          ) i
        ) v
      ) as f(id, price)
    ),
    changes as (
      select coalesce(t.id, f.id) as __key_1, t.id is not null as __existed, t.__at, f.id is not null as __alive, f.id as __new_1, f.price as __new_2, t.id as __old_1, t.price as __old_2, row(t.id, t.price)::record *<> row(f.id, f.price)::record as __differs
      from fresh f
      full join (
        select *, ctid as __at from shop.answer
      ) t on t.id = f.id
      where (t.id is null or f.id is null or row(t.id, t.price)::record *<> row(f.id, f.price)::record)
    ),
    "deleted from answer" as (
      delete from shop.answer t
      using changes c
      where t.ctid = c.__at and c.__existed and not (__alive)
      returning 1
    ),
    "inserted into answer" as (
      insert into shop.answer as t (id, price)
      select __new_1, __new_2
      from changes
      where __alive
        and not __existed
      returning 1
    ),
    "updated in answer" as (
      update shop.answer t
      set price = __new_2
      from changes c
      where t.ctid = c.__at and c.__existed and __alive
      returning 1
    )
    select ((select count(*) from "inserted into answer") + (select count(*) from "updated in answer"))::float8 as rows_inserted,
      (select count(*) from "deleted from answer")::float8 as rows_deleted"
  `)
})

test('a hidden change alone sends nothing to those who read the table', () => {
  const compiled = compile(
    'SELECT orders.note, avg(orders.qty) AS mean FROM shop.orders GROUP BY orders.note',
    { note: 'text', mean: 'numeric' },
    { avg: 'numeric' },
  )
  const emitting = compiled.tables[0]?.replace.once.emitting ?? ''
  expect(emitting.slice(emitting.indexOf('emitted as'))).toMatchInlineSnapshot(`
    "emitted as (
      insert into freshet_changes.changes_00000000000000aa (note, mean, __w)
      select __old_1 as note, __old_2 as mean, -1 as __w
      from changes
      where __existed
        and (not __existed or not (__alive) or __differs)
      union all
      select __new_1 as note, __new_2 as mean, 1 as __w
      from changes
      where __alive
        and (not __existed or not (__alive) or __differs)
      returning 1
    )
    select ((select count(*) from "inserted into answer") + (select count(*) from "updated in answer"))::float8 as rows_inserted,
      (select count(*) from "deleted from answer")::float8 as rows_deleted"
  `)
  expect(compiled.tables[0]?.replace.once.quiet).not.toContain('emitted')
})
