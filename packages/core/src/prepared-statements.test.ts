import { expect, test } from 'vitest'
import { preparedStatements } from './prepared-statements.ts'

test('a statement keeps its name for two seconds, then for twice as long each time, and for a minute in the end', () => {
  let time = 0
  const prepared = preparedStatements(() => time)
  for (const seconds of [2, 4, 8, 16, 32, 60, 60]) {
    const name = prepared.nameOf('select 1')
    time += seconds * 1_000 - 1
    expect(prepared.nameOf('select 1')).toBe(name)
    expect(prepared.retired()).toEqual([])
    time += 1
    expect(prepared.nameOf('select 1')).not.toBe(name)
    expect(prepared.retired()).toEqual([name])
    expect(prepared.retired()).toEqual([])
  }
})

test('the least recently used of many goes first', () => {
  const prepared = preparedStatements(() => 0)
  const names = Array.from({ length: 200 }, (_, i) => prepared.nameOf(`select ${i}`))
  prepared.nameOf('select 0')
  prepared.nameOf('select 200')
  expect(prepared.retired()).toEqual([names[1]])
})

test('a failed statement is prepared afresh, and a name that could not go yet is offered again', () => {
  const prepared = preparedStatements(() => 0)
  const first = prepared.nameOf('select 1')
  prepared.forget('select 1')
  prepared.forget('select 2')
  expect(prepared.nameOf('select 1')).not.toBe(first)
  expect(prepared.retired()).toEqual([first])
  prepared.retire([first])
  expect(prepared.retired()).toEqual([first])
})
