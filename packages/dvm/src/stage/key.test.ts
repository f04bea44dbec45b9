import { expect, test } from 'vitest'
import { type } from '../facts.fixture.ts'
import { chooseKey, rowKey } from './key.ts'

const column = (name: string, sql: string, notNull = true) => ({ name, notNull, type: type(sql) })
const shown = (name: string) => name

test('no column: one row, under a constant', () => {
  expect(chooseKey([], shown)).toMatchObject({
    kind: 'single',
    columns: [{ name: '__one', value: 'true', hidden: true }],
  })
})

test('not null, short and shown: the columns themselves', () => {
  expect(chooseKey([column('a', 'integer'), column('B', 'date')], shown)).toMatchObject({
    kind: 'columns',
    columns: [
      { name: 'a', value: 'a', hidden: false },
      { name: 'B', value: '"B"' },
    ],
  })
})

test.each([
  ['nullable', [column('a', 'integer', false)]],
  ['long', [column('a', 'text')]],
  ['one of them', [column('a', 'integer'), column('b', 'numeric')]],
])('otherwise a hash: %s', (_, columns) => {
  expect(chooseKey(columns, shown)).toMatchObject({ kind: 'hash', columns: [{ name: '__key', sql: 'bytea' }] })
})

test('a hash of canonical values: equal values have one', () => {
  const key = chooseKey([column('n', 'numeric', false), column('f', 'double precision'), column('t', 'text')], shown)
  expect(key.columns[0]?.value).toMatchInlineSnapshot(
    `"substr(sha256(record_send(row(trim_scale(n::numeric), (f::double precision + 0::double precision), t::text))), 1, 16)"`,
  )
})

test('a column that is not stored', () => {
  expect(chooseKey([column('a', 'integer')], () => undefined).kind).toBe('hash')
})

test('a type without canonical form', () => {
  expect(() => chooseKey([column('j', 'jsonb')], shown)).toThrow('the column j of type jsonb')
})

test('a whole row is told by its exact image, which every type has', () => {
  const key = rowKey([
    { name: 'j', type: type('json') },
    { name: 'n', type: type('numeric') },
  ])
  expect(key).toMatchObject({ kind: 'row', columns: [{ name: '__row' }, { name: '__ord', value: null }] })
  expect(key.columns[0]?.value).toMatchInlineSnapshot(`"substr(sha256(record_send(row(j::json, n::numeric))), 1, 16)"`)
})
