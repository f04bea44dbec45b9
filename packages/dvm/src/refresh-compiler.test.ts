import { describe, expect, test } from 'vitest'
import type { RefreshVariant } from './compiled.ts'
import { compile, partsOf, statementOf } from './facts.fixture.ts'
import { refreshCompiler } from './refresh-compiler.ts'

const joined = compile(
  'SELECT c.region, sum(o.price) AS total FROM (shop.orders o JOIN shop.customers c ON ((c.id = o.customer_id))) GROUP BY c.region',
  { region: 'text', total: 'numeric' },
  { region: 'text', sum: 'numeric', id: 'bigint', id_2: 'integer' },
)
const [orders, customers] = ['orders', 'customers'].map(
  (table) => joined.sources.find((source) => source.table === table)?.stableName ?? '',
) as [string, string]

const partsFor = (...changed: string[]) => {
  const text = statementOf(joined, { changed: new Set(changed), extent: 'few', emits: false })
  return { text, names: [...partsOf(joined, new Set(changed)).keys()] }
}

describe('a statement reads the changes of the sources that it is for', () => {
  test('of one: its window, and the one term of the join that can have rows', () => {
    const { names } = partsFor(orders)
    expect(names).toContain('window of orders')
    expect(names).not.toContain('window of customers')
    expect(names).not.toContain('Δ c')
    expect(partsOf(joined, new Set([orders])).get('Δ join')).not.toContain('union all')
  })

  test('of one: named once on its way, so that it is not stored', () => {
    const { text } = partsFor(orders)
    for (const part of ['window of orders', 'Δ o', 'Δ join']) expect(text.split(`"${part}"`)).toHaveLength(1 + 2)
  })

  test('others are only looked at, and shut the gate', () => {
    const { text } = partsFor(orders)
    expect(partsOf(joined, new Set([orders])).get('marks')).toMatch(new RegExp(`as "?${customers}`))
    expect(text).toMatch(/and not \(select "?\w+"? from marks\) and not c\.forced/)
    expect(text).toContain('as others')
  })

  test('of all: every term, and nothing that is only looked at', () => {
    const parts = partsOf(joined, new Set([orders, customers]))
    expect(parts.get('Δ join')?.match(/union all/g)).toHaveLength(2)
    expect(partsFor(orders, customers).text).toContain('false as others')
  })

  test('of none: it computes nothing, and tells who has changed', () => {
    const { names, text } = partsFor()
    expect(names).toEqual(['marks', 'state', 'gate', 'advanced', 'recorded'])
    expect(text).toContain('::float8[] as waiting')
  })
})

test('of many changes, each source is planned for what it has', () => {
  const changed = new Set([orders, customers])
  const text = (few: readonly string[]) =>
    statementOf(joined, { changed, extent: 'many', few: new Set(few), emits: false })
  const windows = (few: readonly string[]) =>
    ['orders', 'customers'].map((table) => {
      const part = text(few).split(`"window of ${table}" as (`)[1]?.split('\n),')[0] ?? ''
      return part.includes('limit 1001') && part.includes('__w in (1, -1)')
    })
  expect(windows([])).toEqual([false, false])
  expect(windows([customers])).toEqual([false, true])
  expect(text([customers]), 'and takes no more of it').toContain('(select rows > 1000 from "size of customers")')
  expect(text([customers])).not.toContain('churn of customers')
  expect(text([customers])).toContain('churn of orders')
})

test('a recipe is plain data: through JSON it compiles to the same', () => {
  const { refresh } = joined
  if (refresh === null) throw new Error('no recipe')
  const stored = JSON.parse(JSON.stringify(refresh)) as typeof refresh
  const variant: RefreshVariant = { changed: new Set([orders, customers]), extent: 'many', emits: true }
  expect(refreshCompiler(stored).statement(variant)).toBe(refreshCompiler(refresh).statement(variant))
})
