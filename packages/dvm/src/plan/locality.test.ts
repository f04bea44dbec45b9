import { stableName } from '@freshet/core'
import { expect, test } from 'vitest'
import { plan } from '../facts.fixture.ts'
import { statefulOf } from '../plan-query.ts'
import { shardColumnOf } from './locality.ts'

const DISTRIBUTION = new Map([
  [stableName('shop', 'orders'), 'customer_id'],
  [stableName('shop', 'customers'), 'id'],
])

/** Of each stage, inner ones first: the column by which it is on the shards. */
function shards(definition: string): readonly (string | undefined)[] {
  const { query, unsupported } = plan(definition, { a: 'integer', b: 'integer', c: 'integer', d: 'integer' })
  if (unsupported !== null) throw new Error(unsupported.detail)
  return statefulOf(query.input).map((stage) => shardColumnOf(stage, DISTRIBUTION))
}

const O = 'shop.orders o'
const C = 'shop.customers c'
const GROUPED = `SELECT o.customer_id, o.note, sum(o.qty) AS n FROM ${O} GROUP BY o.customer_id, o.note`

test.each([
  ['grouped by it', `SELECT o.customer_id AS a, count(*) AS b FROM ${O} GROUP BY o.customer_id`, ['customer_id']],
  ['grouped by another', `SELECT o.note AS a, count(*) AS b FROM ${O} GROUP BY o.note`, [undefined]],
  [
    'groups of groups',
    `SELECT x.customer_id AS a, max(x.n) AS b FROM (${GROUPED}) x GROUP BY x.customer_id`,
    ['customer_id', 'customer_id_2'],
  ],
  [
    'groups of groups, by another',
    `SELECT x.note AS a, max(x.n) AS b FROM (${GROUPED}) x GROUP BY x.note`,
    ['customer_id', undefined],
  ],
  [
    'what is computed from it',
    `SELECT (o.customer_id + 1) AS a, count(*) AS b FROM ${O} GROUP BY (o.customer_id + 1)`,
    [undefined],
  ],
  [
    'a join, by either side',
    `SELECT c.id AS a, count(*) AS b FROM (${O} JOIN ${C} ON ((c.id = o.customer_id))) GROUP BY c.id`,
    ['id_2'],
  ],
  [
    'the side of an outer join that has nulls',
    `SELECT c.id AS a, count(*) AS b FROM (${O} LEFT JOIN ${C} ON ((c.id = o.customer_id))) GROUP BY c.id`,
    [undefined],
  ],
  [
    'a union of both',
    `SELECT u.a, count(*) AS b FROM (SELECT o.customer_id AS a FROM ${O} UNION ALL SELECT c.id FROM ${C}) u GROUP BY u.a`,
    ['a_2'],
  ],
  [
    'a union with something else',
    `SELECT u.a, count(*) AS b FROM (SELECT o.customer_id AS a FROM ${O} UNION ALL SELECT c.region FROM ${C}) u GROUP BY u.a`,
    [undefined],
  ],
  [
    'a window by it',
    `SELECT o.customer_id AS a, o.id AS b, rank() OVER (PARTITION BY o.customer_id ORDER BY o.qty) AS c FROM ${O}`,
    ['customer_id'],
  ],
  [
    'a window over all',
    `SELECT o.customer_id AS a, o.id AS b, rank() OVER (ORDER BY o.qty) AS c FROM ${O}`,
    [undefined],
  ],
  ['one group', `SELECT count(*) AS a FROM ${O}`, [undefined]],
])('%s', (_, definition, expected) => {
  expect(shards(definition)).toEqual(expected)
})
