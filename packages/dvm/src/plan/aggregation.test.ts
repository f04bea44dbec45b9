import { describe, expect, test } from 'vitest'
import { plan } from '../facts.fixture.ts'
import { printExpression } from '../print/expression.ts'
import type { Aggregate, Plan } from './plan.ts'

function aggregateOf(definition: string): Aggregate {
  const { query, unsupported } = plan(definition, { a: 'integer', b: 'integer', c: 'integer' })
  if (unsupported !== null) throw new Error(unsupported.detail)
  let found: Plan = query.input
  while (found.kind === 'filter') found = found.input
  if (found.kind !== 'aggregate') throw new Error(`a ${found.kind}`)
  return found
}

const methods = (list: string) => aggregateOf(`SELECT ${list} FROM shop.orders o`).calls.map(({ method }) => method)

describe('how a call is maintained', () => {
  test.each([
    ['count(*) AS a', ['count']],
    ['count(o.qty) AS a, sum(o.qty) AS b, avg(o.qty) AS c', ['count', 'sum', 'avg']],
    ['min(o.qty) AS a, max(o.qty) AS b', ['min', 'max']],
    [
      'bool_and((o.qty > 1)) AS a, every((o.qty > 1)) AS b, bool_or((o.qty > 1)) AS c',
      ['bool_and', 'bool_and', 'bool_or'],
    ],
    ['sum(o.qty) FILTER (WHERE (o.note IS NULL)) AS a', ['sum']],
    ['count(DISTINCT o.qty) AS a', ['recompute']],
    ['sum(o.qty ORDER BY o.id) AS a', ['recompute']],
    [`string_agg(o.note, ','::text) AS a`, ['recompute']],
    [
      'percentile_cont((0.5)::double precision) WITHIN GROUP (ORDER BY ((o.qty)::double precision)) AS a',
      ['recompute'],
    ],
    ['own.median(o.qty) AS a', ['recompute']],
  ])('%s', (list, expected) => {
    expect(methods(list)).toEqual(expected)
  })
})

test('keys and arguments are columns of the input', () => {
  const { input, keys, calls } = aggregateOf(
    'SELECT (o.qty % 3) AS a, sum((o.qty * 2)) FILTER (WHERE (o.note IS NULL)) AS b FROM shop.orders o GROUP BY (o.qty % 3)',
  )
  expect(keys).toEqual(['key'])
  expect(calls).toMatchObject([{ name: 'sum', argument: 'argument', filter: 'filter' }])
  expect(
    input.kind === 'project'
      ? input.items.map(({ name, expression }) => `${printExpression(expression)} as ${name}`)
      : [],
  ).toMatchInlineSnapshot(`
    [
      "(qty % 3) as key",
      "(qty * 2) as argument",
      "(note IS NULL) as filter",
    ]
  `)
})

test('equal expressions are one key, one argument, one call', () => {
  const { keys, calls, input } = aggregateOf(
    'SELECT o.note AS a, (sum((o.qty + 1)) + sum((o.qty + 1))) AS b, avg((o.qty + 1)) AS c FROM shop.orders o GROUP BY o.note, o.note',
  )
  expect({ keys, calls: calls.map(({ name }) => name), columns: input.columns.map(({ name }) => name) })
    .toMatchInlineSnapshot(`
    {
      "calls": [
        "sum",
        "avg",
      ],
      "columns": [
        "note",
        "argument",
      ],
      "keys": [
        "note",
      ],
    }
  `)
})

test('a column that depends on a grouped primary key splits no group, and is a key too', () => {
  expect(
    aggregateOf('SELECT c.id AS a, c.region AS b, count(*) AS c FROM shop.customers c GROUP BY c.id').keys,
  ).toEqual(['id', 'region'])
})

test('which columns can be null', () => {
  const { columns } = aggregateOf(
    'SELECT c.score AS a, c.region AS b, count(*) AS c FROM shop.customers c GROUP BY c.score, c.region HAVING (sum(c.score) > 1)',
  )
  expect(columns.filter(({ notNull }) => notNull).map(({ name }) => name)).toEqual(['score', 'count'])
})

test('aggregates without GROUP BY, and GROUP BY without aggregates', () => {
  expect(aggregateOf('SELECT count(*) AS a FROM shop.orders o')).toMatchObject({ keys: [] })
  expect(aggregateOf('SELECT o.note AS a FROM shop.orders o GROUP BY o.note')).toMatchObject({
    keys: ['note'],
    calls: [],
  })
})
