import { expect, test } from 'vitest'
import { compile, sqlOf } from '../facts.fixture.ts'

test('the predicates, on the delta', () => {
  const compiled = compile(`SELECT orders.id FROM shop.orders WHERE ((orders.qty > 2) AND (orders.note IS NOT NULL))`, {
    id: 'bigint',
  })
  expect(sqlOf(compiled, 'Δ filter')).toMatchInlineSnapshot(`
    "-- Δ filter
    select id, qty, note, __w
    from "Δ orders"
    where (qty > 2)
      and (note IS NOT NULL)"
  `)
})

test('three-valued logic stays as it is written', () => {
  const compiled = compile(`SELECT orders.id FROM shop.orders WHERE ((NOT (orders.qty > 2)) IS NOT TRUE)`, {
    id: 'bigint',
  })
  expect(sqlOf(compiled, 'Δ filter')).toMatchInlineSnapshot(`
    "-- Δ filter
    select id, qty, __w
    from "Δ orders"
    where ((NOT ((qty > 2))) IS NOT TRUE)"
  `)
})
