import { lsn } from '@freshet/core'
import { expect, test } from 'vitest'
import { decodeMessage, Tuple, UNCHANGED } from './pgoutput.ts'

/** Bytes as the protocol's page describes them; that a server sends these, the tests with a server show. */
const u8 = (value: number) => Buffer.from([value])
const u16 = (value: number) => Buffer.from(value.toString(16).padStart(4, '0'), 'hex')
const u32 = (value: number) => Buffer.from(value.toString(16).padStart(8, '0'), 'hex')
const u64 = (value: bigint) => Buffer.from(value.toString(16).padStart(16, '0'), 'hex')
const tag = (text: string) => Buffer.from(text)
const name = (text: string) => Buffer.from(`${text}\0`)
const text = (value: string) => Buffer.concat([tag('t'), u32(Buffer.byteLength(value)), Buffer.from(value)])
const decode = (...parts: readonly Buffer[]) =>
  Object.fromEntries(Object.entries(decodeMessage(Buffer.concat(parts))).map(([key, value]) => [key, shown(value)]))
const shown = (value: unknown) =>
  value instanceof Tuple ? Array.from({ length: value.length }, (_, i) => value.value(i)) : value

const FIRST = [tag('N'), u16(4), text(''), tag('n'), tag('u'), text('é"\\,')]
const VALUES = ['', null, UNCHANGED, 'é"\\,']

test('a transaction has its id and its place; positions have 64 bits', () => {
  const at = 0xffff_ffff_0000_0001n
  expect(decode(tag('B'), u64(at), u64(5n), u32(0xffff_fffe))).toEqual({ kind: 'begin', commit: at, xid: 0xffff_fffe })
  expect(decode(tag('C'), u8(0), u64(1n), u64(at), u64(5n))).toEqual({ kind: 'commit', commit: lsn(1n), end: at })
})

test('a null, an empty text and a value left out are three things', () => {
  expect(decode(tag('I'), u32(7), ...FIRST)).toEqual({ kind: 'insert', relation: 7, new: VALUES })
})

test('updates and deletes, with the old row, with its key, and without', () => {
  const old = [u16(1), text('a')]
  expect(decode(tag('U'), u32(7), tag('O'), ...old, ...FIRST)).toEqual({
    kind: 'update',
    relation: 7,
    old: ['a'],
    new: VALUES,
  })
  expect(decode(tag('U'), u32(7), tag('K'), ...old, ...FIRST)).toMatchObject({ old: ['a'] })
  expect(decode(tag('U'), u32(7), ...FIRST)).toMatchObject({ old: null, new: VALUES })
  expect(decode(tag('D'), u32(7), tag('O'), ...old)).toEqual({ kind: 'delete', relation: 7, old: ['a'] })
})

test('a relation, with names of any kind', () => {
  const column = [u8(1), name('ça "va"'), u32(25), u32(0xffff_ffff)]
  const message = [u32(7), name(''), name('日本'), tag('f'), u16(1), ...column]
  expect(decode(tag('R'), ...message)).toEqual({
    kind: 'relation',
    relation: 7,
    schema: 'pg_catalog',
    table: '日本',
    identity: 'full',
    columns: [{ name: 'ça "va"', type: 25, modifier: -1 }],
  })
})

test('truncations, messages, and what is of no use', () => {
  expect(decode(tag('T'), u32(2), u8(3), u32(7), u32(8))).toEqual({ kind: 'truncate', relations: [7, 8] })
  const message = [u8(1), u64(9n), name('freshet'), u32(7), tag('sources')]
  expect(decode(tag('M'), ...message)).toEqual({ kind: 'message', prefix: 'freshet', content: 'sources' })
  expect(decode(tag('Y'), u32(1), name('public'), name('mood'))).toEqual({ kind: 'type' })
  expect(decode(tag('O'), u64(1n), name('elsewhere'))).toEqual({ kind: 'origin' })
})

test.each([
  ['an unknown kind', [tag('Z')]],
  ['a row in another form', [tag('I'), u32(7), tag('K')]],
  ['a value in another form', [tag('I'), u32(7), tag('N'), u16(1), tag('b')]],
  ['a value that is cut', [tag('I'), u32(7), tag('N'), u16(1), tag('t'), u32(9), tag('x')]],
  ['a name without an end', [tag('R'), u32(7), tag('x')]],
])('%s is an error, and nothing is guessed', (_, bytes) => {
  expect(() => decode(...bytes)).toThrow(expect.objectContaining({ code: 'INTERNAL' }))
})
