import { expect, test } from 'vitest'
import { as, isObject, list } from '../ast.ts'
import { plan } from '../facts.fixture.ts'
import { parseSelect } from '../parse.ts'
import { notNull } from './nullability.ts'

const columns = [
  { name: 'sure', notNull: true },
  { name: 'perhaps', notNull: false },
  { name: 'amount', notNull: true, number: true },
  { name: 'discount', notNull: false, number: true },
]

test.each([
  ['sure', true],
  ['perhaps', false],
  ['1', true],
  ['null', false],
  ['coalesce(perhaps, 1)', true],
  ['coalesce(perhaps, null)', false],
  ['coalesce(perhaps, sure)', true],
  ['sure + 1', false],
  ['amount + 1', true],
  ['-amount::numeric * (1 - amount)', true],
  ['amount * discount', false],
  ['sure::numeric', false],
  ['amount::text', false],
  ['amount::numeric[]', false],
  ['amount || amount', false],
  ['amount operator(public.+) amount', false],
  ['f(sure)', false],
])('%s: %s', (text, expected) => {
  const value = as('ResTarget', list(parseSelect(`select ${text}`)['targetList'])[0])?.['val']
  expect(isObject(value) && notNull(value, columns)).toBe(expected)
})

test('a WHERE proves it, for the columns that it names', () => {
  const { query } = plan(
    'SELECT o.note, o.qty FROM shop.orders o WHERE ((o.note IS NOT NULL) AND (NOT (o.qty IS NOT NULL)))',
    { note: 'text', qty: 'integer' },
  )
  expect(query.input.columns).toMatchObject([
    { name: 'qty', notNull: false },
    { name: 'note', notNull: true },
  ])
})

test('an OR proves nothing', () => {
  const { query } = plan('SELECT o.note FROM shop.orders o WHERE ((o.note IS NOT NULL) OR (o.qty > 1))', {
    note: 'text',
  })
  expect(query.input.columns.every(({ notNull: known }) => !known)).toBe(true)
})
