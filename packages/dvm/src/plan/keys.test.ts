import { expect, test } from 'vitest'
import { plan } from '../facts.fixture.ts'
import { keysOf } from './keys.ts'

/** Keys by the query's own column names. */
function keys(definition: string): readonly string[] {
  const { query, unsupported } = plan(definition, { a: 'integer', b: 'integer', c: 'integer', d: 'integer' })
  if (unsupported !== null) throw new Error(unsupported.detail)
  return [...new Set(keysOf(query.input).map((key) => key.join('+') || 'one row'))]
}

const O = 'shop.orders o'
const C = 'shop.customers c'

test.each([
  ['a table with a primary key', `SELECT o.id AS a FROM ${O}`, ['id']],
  ['a table without one', 'SELECT v.page AS a FROM shop.visits v', []],
  ['a filter keeps it', `SELECT o.id AS a FROM ${O} WHERE (o.qty > 1)`, ['id']],
  ['a projection may lose it', `SELECT x.n AS a FROM (SELECT (o.id + 1) AS n FROM ${O}) x`, []],
  ['a projection may rename it', `SELECT x.n AS a FROM (SELECT o.id AS n FROM ${O}) x`, ['n']],
  [
    'a join by the key of one side',
    `SELECT o.id AS a, c.region AS b FROM (${O} JOIN ${C} ON ((c.id = o.customer_id)))`,
    ['id', 'id+id_2'],
  ],
  ['a join by no key', `SELECT o.id AS a, c.id AS b FROM (${O} JOIN ${C} ON ((c.score = o.qty)))`, ['id+id_2']],
  [
    'a join by another operator',
    `SELECT o.id AS a, c.id AS b FROM (${O} JOIN ${C} ON ((c.id > o.customer_id)))`,
    ['id+id_2'],
  ],
  ['a cross join with one row', `SELECT o.id AS a, s.n AS b FROM ${O}, (SELECT count(*) AS n FROM ${C}) s`, ['id']],
  [
    'a full join of tables',
    `SELECT o.id AS a, c.id AS b FROM (${O} FULL JOIN ${C} ON ((c.score = o.qty)))`,
    ['id+id_2'],
  ],
  [
    'a full join of groups of nulls: each side may leave one alone',
    `SELECT x.note AS a, y.region AS b FROM ((SELECT DISTINCT o.note FROM ${O}) x FULL JOIN (SELECT DISTINCT c.region FROM ${C}) y ON ((x.note = y.region)))`,
    [],
  ],
  [
    'a full join of two rows',
    `SELECT x.n AS a, y.m AS b FROM ((SELECT max(o.qty) AS n FROM ${O}) x FULL JOIN (SELECT max(c.score) AS m FROM ${C}) y ON ((x.n = y.m)))`,
    [],
  ],
  ['what a constant fixes', `SELECT o.qty AS a FROM ${O} WHERE (o.id = 1)`, ['one row']],
  [
    'a constant by a collation of one’s own fixes nothing',
    `SELECT g.page AS a FROM (SELECT v.page, count(*) AS n FROM shop.visits v GROUP BY v.page) g WHERE (g.page = ('a'::text COLLATE own.loose))`,
    ['page_2'],
  ],
  ['a group', `SELECT o.note AS a, count(*) AS b FROM ${O} GROUP BY o.note`, ['note']],
  ['one group', `SELECT count(*) AS a FROM ${O}`, ['one row']],
  ['distinct', `SELECT DISTINCT o.note AS a FROM ${O}`, ['a']],
  ['union all', `SELECT o.id AS a FROM ${O} UNION ALL SELECT c.id FROM ${C}`, []],
  ['no FROM', 'SELECT 1 AS a', ['one row']],
  ['values', 'VALUES (1), (2)', []],
])('%s', (_, definition, expected) => {
  expect(keys(definition)).toEqual(expected)
})
