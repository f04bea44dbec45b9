import fc from 'fast-check'
import { expect, test } from 'vitest'
import { lsn, parseLsn, printLsn } from './lsn.ts'

test('positions are ordered as numbers, not as text', () => {
  expect(parseLsn('1/AB') > parseLsn('0/FFFFFFFF')).toBe(true)
  expect(parseLsn('10/0') > parseLsn('9/0')).toBe(true)
})

test('parse and print are inverse', () => {
  fc.assert(fc.property(fc.bigInt(0n, 0xffffffffffffffffn), (n) => parseLsn(printLsn(lsn(n))) === n))
  expect(printLsn(parseLsn('16/b374d848'))).toBe('16/B374D848')
})

test.each(['', '1', '1/', '/1', '1/2/3', '123456789/0', 'g/0', ' 1/2'])('parse refuses "%s"', (text) => {
  expect(() => parseLsn(text)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
})

test('a position has 64 bits', () => {
  expect(() => lsn(-1n)).toThrow(/not a WAL position/)
  expect(() => lsn(1n << 64n)).toThrow(/not a WAL position/)
})
