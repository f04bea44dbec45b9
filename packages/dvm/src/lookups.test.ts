import { describe, expect, test } from 'vitest'
import { plan, table } from './facts.fixture.ts'
import { lookupsOf, type Lookup } from './lookups.ts'
import { missingIndexes } from './missing-indexes.ts'

function lookups(query: string, outputs: Readonly<Record<string, string>>): string[] {
  const { query: planned, unsupported } = plan(query, outputs)
  expect(unsupported).toBeNull()
  return lookupsOf(planned).map(({ operator, table: name, columns }) => `${operator}: ${name} (${columns.join(', ')})`)
}

const FROM = 'FROM (shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id)))'

describe('what a delta looks up', () => {
  test.each<[string, string, Readonly<Record<string, string>>, readonly string[]]>([
    ['nothing for one table', 'SELECT o.id FROM shop.orders o', { id: 'bigint' }, []],
    [
      'either side of a join',
      `SELECT o.id, c.region ${FROM}`,
      { id: 'bigint', region: 'text' },
      ['inner join: customers (id)', 'inner join: orders (customer_id)'],
    ],
    [
      'several columns of one table together, and a side by an expression over the other',
      'SELECT o.id FROM (shop.orders o JOIN shop.customers c ON (((c.id = o.customer_id) AND (c.score = (o.qty + 1)))))',
      { id: 'bigint' },
      ['inner join: customers (id, score)', 'inner join: orders (customer_id)'],
    ],
    [
      'nothing by an inequality',
      'SELECT o.id FROM (shop.orders o JOIN shop.customers c ON ((c.id < o.customer_id)))',
      { id: 'bigint' },
      [],
    ],
    [
      'both sides of a semi join',
      'SELECT o.id FROM shop.orders o WHERE (EXISTS ( SELECT FROM shop.visits v WHERE (v.customer_id = o.customer_id)))',
      { id: 'bigint' },
      ['semi join: orders (customer_id)', 'semi join: visits (customer_id)'],
    ],
    [
      'a computed column: nothing; a renamed one: the column that it was',
      'SELECT x.id FROM (( SELECT v.customer_id AS who, upper(v.page) AS page FROM shop.visits v) y JOIN ( SELECT c.id, c.region FROM shop.customers c) x ON (((x.id = y.who) AND (x.region = y.page))))',
      { id: 'integer' },
      ['inner join: visits (customer_id)', 'inner join: customers (id, region)'],
    ],
    [
      'groups that are added to: nothing',
      `SELECT o.customer_id, sum(o.qty) AS s FROM shop.orders o GROUP BY o.customer_id`,
      { customer_id: 'integer', s: 'bigint' },
      [],
    ],
    [
      'groups that are computed again',
      `SELECT o.customer_id, max(o.qty) AS m FROM shop.orders o GROUP BY o.customer_id`,
      { customer_id: 'integer', m: 'integer' },
      ['aggregate: orders (customer_id)'],
    ],
    [
      'partitions',
      'SELECT o.id, row_number() OVER (PARTITION BY o.customer_id ORDER BY o.id) AS n FROM shop.orders o',
      { id: 'bigint', n: 'bigint' },
      ['window: orders (customer_id)'],
    ],
    [
      'a side that is kept in a state table: nothing in what is below it',
      'SELECT c.id, t.s FROM (shop.customers c JOIN ( SELECT o.customer_id, sum(o.qty) AS s FROM shop.orders o GROUP BY o.customer_id) t ON ((t.customer_id = c.id)))',
      { id: 'integer', s: 'bigint' },
      ['inner join: customers (id)'],
    ],
  ])('%s', (_, query, outputs, expected) => {
    expect(new Set(lookups(query, outputs))).toEqual(new Set(expected))
  })
})

describe('an index is missing', () => {
  const lookup = (columns: readonly string[], more: Partial<Lookup> = {}): Lookup => ({
    oid: 1,
    schema: 'shop',
    table: 'orders',
    partitioned: false,
    operator: 'inner join',
    columns,
    ...more,
  })
  const large = (...indexes: readonly (readonly (string | null)[])[]) => [{ oid: 1, indexes, bytes: 1e6 }]
  const columnsOf = (wanted: readonly Lookup[], tables: Parameters<typeof missingIndexes>[1]) =>
    missingIndexes(wanted, tables).map(({ columns }) => columns.join(', '))

  test.each<[string, readonly Lookup[], Parameters<typeof missingIndexes>[1], readonly string[]]>([
    ['where there is none', [lookup(['a'])], large(), ['a']],
    ['where there is one', [lookup(['a'])], large(['a', 'b']), []],
    ['where another column leads', [lookup(['a'])], large(['b', 'a']), ['a']],
    ['where an expression leads', [lookup(['a'])], large([null, 'a']), ['a']],
    ['where the leading column is one of several', [lookup(['a', 'b'])], large(['b']), []],
    ['where one for more columns serves too', [lookup(['a']), lookup(['a', 'b'])], large(), ['a, b']],
    ['where one for more columns does not serve', [lookup(['b']), lookup(['a', 'b'])], large(), ['a, b', 'b']],
    ['not where the table is small', [lookup(['a'])], [{ oid: 1, indexes: [], bytes: 8_192 }], []],
    ['not where the catalog knows nothing', [lookup(['a'])], [], []],
  ])('%s', (_, wanted, tables, expected) => {
    expect(columnsOf(wanted, tables)).toEqual(expected)
  })

  test('and this makes it, without keeping writers waiting', () => {
    const [ordinary, partitioned] = missingIndexes(
      [lookup(['Total', 'a']), lookup(['a'], { oid: 2, table: 'parts', partitioned: true, operator: 'semi join' })],
      [...large(), { oid: 2, indexes: [], bytes: 1e6 }],
    )
    expect(ordinary?.statement).toBe('create index concurrently on shop.orders ("Total", a);')
    expect(partitioned).toMatchObject({
      statement: 'create index on shop.parts (a);',
      operators: ['semi join'],
      table: 'shop.parts',
    })
  })

  test('a table that the query names twice is asked for once', () => {
    const twice = plan('SELECT a.id FROM (shop.log a JOIN shop.log b ON ((a.ref = b.ref)))', { id: 'bigint' }, [
      table('log', { id: 'bigint!', ref: 'integer' }),
    ])
    expect(lookupsOf(twice.query)).toHaveLength(1)
  })
})
