import { expect, test } from 'vitest'
import { ERRORS, FreshetError, isFreshetError, toFreshetError } from './errors.ts'
import { codeOfSqlState } from './sqlstate.ts'

test('an error carries the retry class and the usual hint of its code, and prints as JSON', () => {
  const error = new FreshetError('LOCK_TIMEOUT', 'no lock', { sqlState: '55P03', detail: 'orders' })
  expect(JSON.parse(JSON.stringify(error))).toEqual({
    code: 'LOCK_TIMEOUT',
    message: 'no lock',
    retry: 'retry',
    detail: 'orders',
    hint: ERRORS.LOCK_TIMEOUT.hint,
    sqlState: '55P03',
  })
  expect(new FreshetError('USAGE', 'x', { hint: 'mine' }).hint).toBe('mine')
  expect(new FreshetError('USAGE', 'x', { hint: null }).toJSON()).toEqual({
    code: 'USAGE',
    message: 'x',
    retry: 'never',
  })
})

test('isFreshetError narrows by code, toFreshetError takes anything', () => {
  const error = new FreshetError('CYCLE', 'a → b → a')
  expect(isFreshetError(error)).toBe(true)
  expect(isFreshetError(error, 'USAGE', 'CYCLE')).toBe(true)
  expect(isFreshetError(error, 'USAGE')).toBe(false)
  expect(isFreshetError(new Error('x'))).toBe(false)
  expect(toFreshetError(error)).toBe(error)
  const thrown = new TypeError('x is not a function')
  expect(toFreshetError(thrown)).toMatchObject({ code: 'INTERNAL', message: 'x is not a function', cause: thrown })
  expect(toFreshetError('text').message).toBe('text')
})

test('every code has a hint that ends as a sentence', () => {
  for (const [code, { hint }] of Object.entries(ERRORS)) expect(hint ?? '.', code).toMatch(/[.;…]$/)
})

test.each([
  ['40001', 'retry'],
  ['40P01', 'retry'],
  ['55P03', 'retry'],
  ['57014', 'retry'],
  ['53300', 'retry'],
  ['57P01', 'reconnect'],
  ['57P03', 'reconnect'],
  ['08006', 'reconnect'],
  ['25006', 'reconnect'],
  ['28P01', 'never'],
  ['22012', 'never'],
  ['23505', 'never'],
  ['42P01', 'definition'],
  ['42703', 'definition'],
  ['42501', 'definition'],
  ['42883', 'definition'],
] as const)('SQLSTATE %s is of the class %s', (sqlState, retry) => {
  expect(ERRORS[codeOfSqlState(sqlState)].retry).toBe(retry)
})

test('a state goes before its class', () => {
  expect(codeOfSqlState('42703')).toBe('UNKNOWN_COLUMN')
  expect(codeOfSqlState('42804')).toBe('INVALID_QUERY')
  expect(codeOfSqlState('FR001')).toBe('STREAM_TABLE_WRITE')
  expect(codeOfSqlState('XX000')).toBe('QUERY_FAILED')
})
