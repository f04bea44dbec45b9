import { expect, test } from 'vitest'
import { compile, plan } from './facts.fixture.ts'

const nested = (levels: number, around: (inner: string, level: number) => string, innermost: string) =>
  Array.from({ length: levels }, (_, level) => level).reduce(around, innermost)

test('a statement longer than planning is worth is not made', () => {
  const joins = nested(
    60,
    (inner, i) => `(${inner} LEFT JOIN shop.customers c${i} ON ((c${i}.score = o.qty)))`,
    'shop.orders o',
  )
  const compiled = compile(`SELECT o.id FROM ${joins}`, { id: 'bigint' })
  expect(compiled.refusal?.code).toBe('TOO_COMPLEX')
  expect(compiled.refresh).toBeNull()
})

test('a chain of unions is one union', () => {
  const branches = Array.from({ length: 60 }, (_, i) => `SELECT orders.id FROM shop.orders WHERE (orders.qty > ${i})`)
  const all = plan(branches.join(' UNION ALL '), { id: 'bigint' }).query.input
  expect(all.kind === 'union-all' && all.inputs.length).toBe(60)
  const compiled = compile(branches.join(' UNION '), { id: 'bigint' }, { id: 'bigint' })
  expect(compiled.tables).toHaveLength(1)
})

test('subqueries nested deep are read through', () => {
  const deep = nested(400, (inner, i) => `SELECT s${i}.id FROM ( ${inner}) s${i}`, 'SELECT orders.id FROM shop.orders')
  expect(compile(deep, { id: 'bigint' }).refusal).toBeNull()
  const sum = `SELECT (${nested(400, (inner) => `(${inner} + 1)`, 'orders.qty')}) AS n FROM shop.orders`
  expect(compile(sum, { n: 'integer' }).refusal).toBeNull()
})
