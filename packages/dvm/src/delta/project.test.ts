import { expect, test } from 'vitest'
import { compile, sqlOf } from '../facts.fixture.ts'

test('expressions, on the delta; weights pass through', () => {
  const compiled = compile(
    `SELECT x.twice, x.label FROM (SELECT (orders.qty * 2) AS twice, COALESCE(orders.note, '-'::text) AS label, orders.id FROM shop.orders) x`,
    { twice: 'integer', label: 'text' },
  )
  expect(sqlOf(compiled, 'Δ project', 'Δ output')).toMatchInlineSnapshot(`
    "-- Δ project
    select (qty * 2) as twice, (COALESCE(note, '-'::text)) as label, __w
    from "Δ orders"

    -- Δ output
    select (twice)::integer as twice, (label)::text as label, __w
    from "Δ project""
  `)
})

test('a constant has no delta, and nothing is projected from it', () => {
  const compiled = compile('SELECT 1 AS one, 2 AS two', { one: 'integer', two: 'integer' })
  expect(() => sqlOf(compiled, 'Δ project')).toThrow('there is no part')
})
