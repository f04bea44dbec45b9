import { describe, expect, test } from 'vitest'
import { anyValue, Chain, imagesDiffer, indent, nested, select } from './text.ts'

describe('select', () => {
  test('clauses that are empty are left out', () => {
    expect(select({ columns: ['a'], from: 't', where: [], groupBy: [], having: [] })).toBe('select a\nfrom t')
    expect(select({ columns: [] })).toBe('select')
  })

  test('all of them', () => {
    expect(
      select({ columns: ['a', 'b'], from: 't', where: ['x', 'y'], groupBy: ['a', 'b'], having: ['p', 'q'], limit: 3 }),
    ).toMatchInlineSnapshot(`
      "select a, b
      from t
      where x
        and y
      group by a, b
      having p and q
      limit 3"
    `)
  })
})

test('indentation leaves empty lines empty', () => {
  expect(indent('a\n\nb', 2)).toBe('    a\n\n    b')
  expect(nested('select 1')).toBe('(\n  select 1\n)')
})

test('images, and any value of a group', () => {
  expect(imagesDiffer(['a', 'b'], ['c', 'd'])).toBe('row(a, b)::record *<> row(c, d)::record')
  expect(anyValue('v', { sql: 'numeric', array: false })).toBe('(array_agg(v))[1]')
  expect(anyValue('v', { sql: 'integer[]', array: true })).toBe('(array_agg(v::text))[1]::integer[]')
})

describe('a chain', () => {
  test('names its parts, each once, in order', () => {
    const chain = new Chain()
    expect([
      chain.add('Δ join', 'select 1'),
      chain.add('Δ join', 'select 2'),
      chain.add('rows', 'select 3', { materialized: true }),
    ]).toEqual(['"Δ join"', '"Δ join 2"', 'rows'])
    expect(chain.statement('select')).toMatchInlineSnapshot(`
      "with "Δ join" as (
        select 1
      ),
      "Δ join 2" as (
        select 2
      ),
      rows as materialized (
        select 3
      )
      select"
    `)
  })

  test('long names are cut to what PostgreSQL keeps, and stay apart', () => {
    const chain = new Chain()
    const names = Array.from({ length: 12 }, () => chain.add(`window of ${'ß'.repeat(60)}`, 'select'))
    expect(new Set(names).size).toBe(12)
    for (const name of names) expect(new TextEncoder().encode(name.slice(1, -1)).length).toBeLessThanOrEqual(63)
  })

  test('a name that a number makes is not given twice', () => {
    const chain = new Chain()
    const names = ['Δ a', 'Δ a', 'Δ a 2'].map((name) => chain.add(name, 'select'))
    expect(new Set(names).size).toBe(3)
  })
})
