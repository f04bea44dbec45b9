import { expect, test } from 'vitest'
import { plan } from '../facts.fixture.ts'
import { scansOf } from '../plan/plan.ts'

/** What is captured of each source. */
function read(definition: string): readonly string[] {
  const { query, unsupported } = plan(definition, { a: 'integer', b: 'integer' })
  if (unsupported !== null) throw new Error(unsupported.detail)
  return scansOf(query.input).map(({ label, sourceColumns }) => `${label}: ${sourceColumns.join(', ')}`)
}

test.each([
  ['outputs and conditions only', 'SELECT o.id AS a FROM shop.orders o WHERE (o.qty > 1)', ['o: id, qty']],
  [
    'both sides of a join',
    'SELECT o.id AS a FROM (shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id)))',
    ['o: id, customer_id', 'c: id'],
  ],
  ['nothing at all, when only rows count', 'SELECT count(*) AS a FROM shop.orders o', ['o: ']],
  ['a subquery’s unused column', 'SELECT x.id AS a FROM (SELECT o.id, o.note, o.qty FROM shop.orders o) x', ['o: id']],
  [
    'an unused aggregate',
    'SELECT x.n AS a FROM (SELECT o.note, count(*) AS n, max(o.qty) AS m FROM shop.orders o GROUP BY o.note) x',
    ['o: note'],
  ],
  ['the group’s keys, read or not', 'SELECT count(*) AS a FROM shop.orders o GROUP BY o.note, o.qty', ['o: qty, note']],
  [
    'every column of DISTINCT, read or not',
    'SELECT x.note AS a FROM (SELECT DISTINCT o.note, o.qty FROM shop.orders o) x',
    ['o: qty, note'],
  ],
  [
    'each side of a union all',
    'SELECT x.a FROM (SELECT o.id AS a, o.note AS b FROM shop.orders o UNION ALL SELECT c.id, c.region FROM shop.customers c) x',
    ['o: id', 'c: id'],
  ],
  [
    'each side of a union',
    'SELECT x.a FROM (SELECT o.id AS a, o.note AS b FROM shop.orders o UNION SELECT c.id, c.region FROM shop.customers c) x',
    ['o: id, note', 'c: id, region'],
  ],
  [
    'one relation twice, each as it is used',
    'SELECT x.qty AS a, y.note AS b FROM shop.orders x, shop.orders y',
    ['x: qty', 'y: note'],
  ],
])('%s', (_, definition, expected) => {
  expect(read(definition)).toEqual(expected)
})
