import { expect, test } from 'vitest'
import { plan } from '../facts.fixture.ts'
import { statefulOf } from '../plan-query.ts'

/** How many stages, each with a table of its own, a query needs. */
function stages(definition: string): number {
  const { query, unsupported } = plan(definition, { a: 'bigint', b: 'bigint' })
  if (unsupported !== null) throw new Error(unsupported.detail)
  return statefulOf(query.input).length
}

const SPENT = 'WITH s AS (SELECT o.customer_id AS c, sum(o.qty) AS q FROM shop.orders o GROUP BY o.customer_id)'

test('a common table expression that is read twice is one stage', () => {
  expect(stages(`${SPENT} SELECT x.c AS a, y.q AS b FROM (s x JOIN s y ON ((x.c = y.c)))`)).toBe(1)
})

test('its readers may need different columns of it', () => {
  const { query } = plan(`${SPENT} SELECT x.c AS a, y.q AS b FROM s x, s y`, { a: 'bigint', b: 'bigint' })
  expect(statefulOf(query.input).map((stage) => stage.columns.length)).toEqual([2])
})

test('what grouping sets read is one plan below all of them', () => {
  const input = 'SELECT DISTINCT o.qty, o.note FROM shop.orders o'
  expect(stages(`SELECT x.qty AS a, count(*) AS b FROM (${input}) x GROUP BY CUBE(x.qty, x.note)`)).toBe(1 + 4)
})

test('a mark of IN asks its subquery twice, and computes it once', () => {
  const asked = 'SELECT max(x.qty) AS max FROM shop.orders x GROUP BY x.customer_id'
  const query = `SELECT o.id AS a, o.qty AS b FROM shop.orders o WHERE ((o.qty IN (${asked})) OR (o.id = 1))`
  expect(stages(query)).toBe(1)
})
