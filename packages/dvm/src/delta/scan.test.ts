import { expect, test } from 'vitest'
import { compile, sqlOf, table } from '../facts.fixture.ts'

test('the rows of the window, under the plan’s names', () => {
  const compiled = compile('SELECT orders.id, orders.qty FROM shop.orders', { id: 'bigint', qty: 'integer' })
  expect(sqlOf(compiled, 'window of orders', 'Δ orders')).toMatchInlineSnapshot(`
    "-- window of orders
    select id, qty, __w
    from (
      select id, qty, __w::int as __w
      from freshet_changes.changes_825bdee71b148b6c
      where __x >= pg_snapshot_xmin($4::pg_snapshot)
        and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
        and __w <> 0
    ) w
    where not (select rows > 0.25 * (select coalesce(sum(greatest(c.reltuples, 0)), 0) from pg_catalog.pg_class c where c.relkind <> 'p' and (c.oid = to_regclass('shop.orders') or c.oid in (select p.relid from pg_catalog.pg_partition_tree(to_regclass('shop.orders')) p))) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.orders') and a.attname in ('id', 'qty') and 0 in (t.typsend, coalesce(e.typsend, 1))) from "size of orders")
    union all
    select id, qty, __w
    from (
      select id, qty, sum(__w) over (partition by __image)::int as __w, row_number() over (partition by __image) as __at
      from (
        select id, qty, __w, record_send(row(id, qty)) as __image
        from (
          select id, qty, __w::int as __w
          from freshet_changes.changes_825bdee71b148b6c
          where __x >= pg_snapshot_xmin($4::pg_snapshot)
            and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
            and __w <> 0
        ) w
        where (select rows > 0.25 * (select coalesce(sum(greatest(c.reltuples, 0)), 0) from pg_catalog.pg_class c where c.relkind <> 'p' and (c.oid = to_regclass('shop.orders') or c.oid in (select p.relid from pg_catalog.pg_partition_tree(to_regclass('shop.orders')) p))) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.orders') and a.attname in ('id', 'qty') and 0 in (t.typsend, coalesce(e.typsend, 1))) from "size of orders")
      ) w
    ) w
    where __at = 1
      and __w <> 0

    -- Δ orders
    select id, qty, __w
    from "window of orders"
    where (select go from gate)"
  `)
})

test('two scans of one relation share its window; names that clash are told apart', () => {
  const compiled = compile('SELECT a.id, b.id AS other FROM shop.customers a, shop.customers b', {
    id: 'integer',
    other: 'integer',
  })
  expect(sqlOf(compiled, 'window of customers', 'Δ a', 'Δ b')).toMatchInlineSnapshot(`
    "-- window of customers
    select id, __w
    from (
      select id, __w::int as __w
      from freshet_changes.changes_dc84b24193499e5e
      where __x >= pg_snapshot_xmin($4::pg_snapshot)
        and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
        and __w <> 0
    ) w
    where not (select rows > 0.25 * (select coalesce(sum(greatest(c.reltuples, 0)), 0) from pg_catalog.pg_class c where c.relkind <> 'p' and (c.oid = to_regclass('shop.customers') or c.oid in (select p.relid from pg_catalog.pg_partition_tree(to_regclass('shop.customers')) p))) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.customers') and a.attname in ('id') and 0 in (t.typsend, coalesce(e.typsend, 1))) from "size of customers")
    union all
    select id, __w
    from (
      select id, sum(__w) over (partition by __image)::int as __w, row_number() over (partition by __image) as __at
      from (
        select id, __w, record_send(row(id)) as __image
        from (
          select id, __w::int as __w
          from freshet_changes.changes_dc84b24193499e5e
          where __x >= pg_snapshot_xmin($4::pg_snapshot)
            and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
            and __w <> 0
        ) w
        where (select rows > 0.25 * (select coalesce(sum(greatest(c.reltuples, 0)), 0) from pg_catalog.pg_class c where c.relkind <> 'p' and (c.oid = to_regclass('shop.customers') or c.oid in (select p.relid from pg_catalog.pg_partition_tree(to_regclass('shop.customers')) p))) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.customers') and a.attname in ('id') and 0 in (t.typsend, coalesce(e.typsend, 1))) from "size of customers")
      ) w
    ) w
    where __at = 1
      and __w <> 0

    -- Δ a
    select id, __w
    from "window of customers"
    where (select go from gate)

    -- Δ b
    select id as id_2, __w
    from "window of customers"
    where (select go from gate)"
  `)
})

test('a collation that is not the database’s own comes with the window', () => {
  const words = table('words', { word: 'text' })
  const collated = { ...words, columns: words.columns.map((column) => ({ ...column, collation: 'pg_catalog."C"' })) }
  const compiled = compile('SELECT words.word FROM shop.words', { word: 'text' }, {}, [collated])
  expect(sqlOf(compiled, 'window of words')).toMatchInlineSnapshot(`
    "-- window of words
    select word, __w
    from (
      select word collate pg_catalog."C" as word, __w::int as __w
      from freshet_changes.changes_64dbe579b748402a
      where __x >= pg_snapshot_xmin($4::pg_snapshot)
        and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
        and __w <> 0
    ) w
    where not (select rows > 0.25 * (select coalesce(sum(greatest(c.reltuples, 0)), 0) from pg_catalog.pg_class c where c.relkind <> 'p' and (c.oid = to_regclass('shop.words') or c.oid in (select p.relid from pg_catalog.pg_partition_tree(to_regclass('shop.words')) p))) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.words') and a.attname in ('word') and 0 in (t.typsend, coalesce(e.typsend, 1))) from "size of words")
    union all
    select word, __w
    from (
      select word, sum(__w) over (partition by __image)::int as __w, row_number() over (partition by __image) as __at
      from (
        select word, __w, record_send(row(word)) as __image
        from (
          select word collate pg_catalog."C" as word, __w::int as __w
          from freshet_changes.changes_64dbe579b748402a
          where __x >= pg_snapshot_xmin($4::pg_snapshot)
            and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
            and __w <> 0
        ) w
        where (select rows > 0.25 * (select coalesce(sum(greatest(c.reltuples, 0)), 0) from pg_catalog.pg_class c where c.relkind <> 'p' and (c.oid = to_regclass('shop.words') or c.oid in (select p.relid from pg_catalog.pg_partition_tree(to_regclass('shop.words')) p))) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.words') and a.attname in ('word') and 0 in (t.typsend, coalesce(e.typsend, 1))) from "size of words")
      ) w
    ) w
    where __at = 1
      and __w <> 0"
  `)
})
