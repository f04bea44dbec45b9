import { expect, test } from 'vitest'
import { compile, sqlOf } from '../facts.fixture.ts'

test('the sum of the deltas', () => {
  const compiled = compile(
    `SELECT orders.note AS t FROM shop.orders UNION ALL SELECT customers.region FROM shop.customers`,
    { t: 'text' },
  )
  expect(sqlOf(compiled, 'Δ union all')).toMatchInlineSnapshot(`
    "-- Δ union all
    select t, __w
    from "Δ project"
    union all
    select t, __w
    from "Δ project 2""
  `)
})

test('a side that never changes adds nothing', () => {
  const compiled = compile(`SELECT orders.note AS t FROM shop.orders UNION ALL VALUES ('always'::text)`, { t: 'text' })
  expect(sqlOf(compiled, 'Δ union all')).toMatchInlineSnapshot(`
    "-- Δ union all
    select t, __w
    from "Δ project""
  `)
})
