import { expect, test } from 'vitest'
import { compile, sqlOf, table } from '../facts.fixture.ts'

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
