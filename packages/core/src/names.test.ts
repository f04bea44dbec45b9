import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  canon,
  checkName,
  displayName,
  fnv1a64,
  MAX_NAME_BYTES,
  parseName,
  refuseCollision,
  sourceIdentifier,
  stableName,
} from './names.ts'

// http://www.isthe.com/chongo/src/fnv/test_fnv.c
test.each([
  ['', 'cbf29ce484222325'],
  ['a', 'af63dc4c8601ec8c'],
  ['foobar', '85944171f73967e8'],
])('FNV-1a-64 of "%s" is %s', (text, hash) => {
  expect(fnv1a64(text)).toBe(hash)
})

// these never change: buffers and catalogs of installed databases are named so
test.each([
  ['public', 'orders', 'c74da4a21f58f903'],
  ['public', 'order', 'c127f7e12e906302'],
  ['Sales', 'Order Items', '8297e11bbcc7f869'],
  ['öffentlich', '表', 'a447f101df47c960'],
  ['a', 'b"c', '4b923b84e9ea72cf'],
])('the stable name of %s.%s is %s', (schema, table, name) => {
  expect(stableName(schema, table)).toBe(name)
})

test('canon leaves plain words, keywords included, and quotes the rest', () => {
  expect(['orders', 'select', '_a$1', 'Orders', '1a', 'a b', 'a"b', 'ä', ''].map(canon)).toEqual([
    'orders',
    'select',
    '_a$1',
    '"Orders"',
    '"1a"',
    '"a b"',
    '"a""b"',
    '"ä"',
    '""',
  ])
})

test('a dot inside a name does not confuse schema and table', () => {
  expect(stableName('a', 'b.c')).not.toBe(stableName('a.b', 'c'))
})

test.each([
  ['orders', null, 'orders'],
  ['Public.ORDERS', 'public', 'orders'],
  ['"Public"."a.b"', 'Public', 'a.b'],
  ['"say ""hi"""', null, 'say "hi"'],
  [' s . "T" ', 's', 'T'],
  ['Ärger.straße', 'Ärger', 'straße'],
  ['x1$.表', 'x1$', '表'],
])('parseName(%s)', (text, schema, table) => {
  expect(parseName(text)).toEqual({ schema, table })
})

test.each(['', '.', 'a.', '.a', 'a..b', 'a.b.c', 'a b', '1a', '""', 'a."', 'a-b', 'a;drop', "'a'", 'a\0', '"\ud800"'])(
  'parseName refuses %j',
  (text) => {
    expect(() => parseName(text)).toThrow(expect.objectContaining({ code: 'INVALID_NAME' }))
  },
)

test('a name has at most 63 bytes, not characters', () => {
  expect(checkName('x'.repeat(63))).toHaveLength(63)
  expect(checkName('ä'.repeat(31))).toHaveLength(31)
  expect(() => checkName('x'.repeat(64))).toThrow(expect.objectContaining({ code: 'NAME_TOO_LONG' }))
  expect(() => parseName(`public."${'ä'.repeat(32)}"`)).toThrow(expect.objectContaining({ code: 'NAME_TOO_LONG' }))
})

const anyName = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  .filter((name) => !name.includes('\0') && Buffer.byteLength(name) <= MAX_NAME_BYTES)

test('a shown name reads back as itself', () => {
  fc.assert(
    fc.property(anyName, anyName, (schema, table) => {
      expect(parseName(displayName({ schema, table }))).toEqual({ schema, table })
    }),
  )
})

test('a stable name that another relation has is refused; its own is not', () => {
  const orders = sourceIdentifier(1, 'public', 'orders')
  const renamed = { ...sourceIdentifier(1, 'public', 'orders_old'), stableName: orders.stableName }
  expect(() => refuseCollision(renamed, orders)).toThrow(expect.objectContaining({ code: 'NAME_COLLISION' }))
  refuseCollision(orders, sourceIdentifier(2, 'public', 'orders'))
  refuseCollision(orders, sourceIdentifier(3, 'public', 'items'))
})
