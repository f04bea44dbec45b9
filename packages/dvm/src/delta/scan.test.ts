import { expect, test } from 'vitest'
import { compile, partsOf, sqlOf, table } from '../facts.fixture.ts'

test('the rows of the window, under the plan’s names', () => {
  const compiled = compile('SELECT orders.id, orders.qty FROM shop.orders', { id: 'bigint', qty: 'integer' })
  expect(sqlOf(compiled, 'window of orders', 'Δ orders')).toMatchInlineSnapshot(`
    "-- window of orders
    select id, qty, __w::int as __w
    from freshet_changes.changes_825bdee71b148b6c
    where __x >= pg_snapshot_xmin($4::pg_snapshot)
      and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
      and __w <> 0

    -- Δ orders
    select id, qty, __w
    from "window of orders"
    where (select go from gate)"
  `)
})

test('where more rows wait than a fourth of the table has, what cancels is taken out first', () => {
  const compiled = compile('SELECT orders.id, orders.qty FROM shop.orders', { id: 'bigint', qty: 'integer' })
  const parts = partsOf(compiled, undefined, 'churned')
  expect(parts.get('churn of orders')).toMatchInlineSnapshot(`
    "select rows > 0.25 * (select coalesce(sum((select greatest(c.reltuples, 0) from pg_catalog.pg_class c where c.oid = r.relid and c.relkind <> 'p')), 0) from (select to_regclass('shop.orders') as relid union select relid from pg_catalog.pg_partition_tree(to_regclass('shop.orders'))) r) and not exists (select from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid left join pg_catalog.pg_type e on e.oid = t.typelem where a.attrelid = to_regclass('shop.orders') and a.attname in ('id', 'qty') and 0 in (t.typsend, coalesce(e.typsend, 1))) as churned
    from "size of orders""
  `)
  expect(parts.get('window of orders')).toMatchInlineSnapshot(`
    "select id, qty, __w
    from (
      select id, qty, __w::int as __w
      from freshet_changes.changes_825bdee71b148b6c
      where __x >= pg_snapshot_xmin($4::pg_snapshot)
        and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
        and __w <> 0
    ) w
    where not (select churned from "churn of orders")
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
        where (select churned from "churn of orders")
      ) w
    ) w
    where __at = 1
      and __w <> 0"
  `)
})

test('few changes are expected to be ten, whatever the statistics of the log', () => {
  const compiled = compile('SELECT orders.id, orders.qty FROM shop.orders', { id: 'bigint', qty: 'integer' })
  expect(partsOf(compiled, undefined, 'few').get('window of orders')).toMatchInlineSnapshot(`
    "select *
    from (
      select id, qty, __w::int as __w
      from freshet_changes.changes_825bdee71b148b6c
      cross join (select from generate_series(1, (select 1))) expected
      where __x >= pg_snapshot_xmin($4::pg_snapshot)
        and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
        and __w <> 0
      order by __x
      limit 1001
    ) w
    where __w in (1, -1)"
  `)
})

test('two scans of one relation share its window; names that clash are told apart', () => {
  const compiled = compile('SELECT a.id, b.id AS other FROM shop.customers a, shop.customers b', {
    id: 'integer',
    other: 'integer',
  })
  expect(sqlOf(compiled, 'window of customers', 'Δ a', 'Δ b')).toMatchInlineSnapshot(`
    "-- window of customers
    select id, __w::int as __w
    from freshet_changes.changes_dc84b24193499e5e
    where __x >= pg_snapshot_xmin($4::pg_snapshot)
      and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
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
    select word collate pg_catalog."C" as word, __w::int as __w
    from freshet_changes.changes_64dbe579b748402a
    where __x >= pg_snapshot_xmin($4::pg_snapshot)
      and not pg_visible_in_snapshot(__x, $4::pg_snapshot)
      and __w <> 0"
  `)
})
