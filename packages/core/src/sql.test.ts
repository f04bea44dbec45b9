import { expect, test } from 'vitest'
import { identifier, join, literal, quoteIdentifier, quoteLiteral, raw, sql } from './sql.ts'

test('values become parameters, fragments are spliced, and parameters are numbered through', () => {
  const condition = sql`a = ${1} and b = ${'x'}`
  const query = sql`select ${true} from ${identifier('S', 'orders')} where ${condition} or (${condition}) limit ${10}`
  expect(query.text).toBe('select $1 from "S".orders where a = $2 and b = $3 or (a = $4 and b = $5) limit $6')
  expect(query.values).toEqual([true, 1, 'x', 1, 'x', 10])
})

test('what is no fragment is a value, whatever its shape', () => {
  const lookalike = { text: 'drop table orders', values: [] }
  expect(sql`select ${lookalike}, ${null}, ${["it's"]}`).toMatchObject({
    text: 'select $1, $2, $3',
    values: [lookalike, null, ["it's"]],
  })
  expect(sql`select 1`).toMatchObject({ text: 'select 1', values: [] })
})

test('join', () => {
  expect(join([sql`${1}`, raw('now()'), sql`${2} + ${3}`])).toMatchObject({
    text: '$1, now(), $2 + $3',
    values: [1, 2, 3],
  })
  expect(join([raw('a'), raw('b')], ' and ').text).toBe('a and b')
  expect(join([]).text).toBe('')
  const many = sql`select ${join(Array.from({ length: 20_000 }, (_, i) => sql`${i}`))}`
  expect(many.values).toHaveLength(20_000)
  expect(many.text.endsWith('$19999, $20000')).toBe(true)
})

test.each([
  ['orders', 'orders'],
  ['_a1', '_a1'],
  ['Orders', '"Orders"'],
  ['order', '"order"'],
  ['a b', '"a b"'],
  ['say "hi"', '"say ""hi"""'],
  ['', '""'],
  ['a$1', '"a$1"'],
])('the identifier %s is %s', (name, quoted) => {
  expect(quoteIdentifier(name)).toBe(quoted)
})

test('literals', () => {
  expect(literal("it's").text).toBe("'it''s'")
  expect(quoteLiteral('a\\b')).toBe(" E'a\\\\b'")
})

test('a null byte, which PostgreSQL can not store, is refused', () => {
  expect(() => identifier('a\0')).toThrow(/null byte/)
  expect(() => literal('a\0')).toThrow(/null byte/)
})
