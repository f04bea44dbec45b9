import { expect, test } from 'vitest'
import { preparedStatements } from './prepared-statements.ts'

test('a statement keeps its name for two seconds, then for twice as long each time, and for a minute in the end', () => {
  let time = 0
  const prepared = preparedStatements(() => time)
  for (const seconds of [2, 4, 8, 16, 32, 60, 60]) {
    const name = prepared.nameOf('select 1')
    prepared.took('select 1', name, 5)
    prepared.took('select 1', name, 50)
    time += seconds * 1_000 - 1
    expect(prepared.nameOf('select 1')).toBe(name)
    expect(prepared.retired()).toEqual([])
    time += 1
    expect(prepared.nameOf('select 1')).not.toBe(name)
    expect(prepared.retired()).toEqual([name])
    expect(prepared.retired()).toEqual([])
  }
})

test('it keeps its name until it has run ten times as long as with its planning, or ten minutes have passed', () => {
  let time = 0
  const prepared = preparedStatements(() => time)
  const name = prepared.nameOf('select 1')
  prepared.took('select 1', name, 5)
  for (const ms of [20, 20, 9]) {
    time += 60_000
    prepared.took('select 1', name, ms)
    expect(prepared.nameOf('select 1')).toBe(name)
  }
  prepared.took('select 1', name, 1)
  const second = prepared.nameOf('select 1')
  expect(second).not.toBe(name)
  // a run that was still under way under the old name
  prepared.took('select 1', name, 1_000)
  prepared.took('select 1', second, 5)
  time += 600_000 - 1
  expect(prepared.nameOf('select 1')).toBe(second)
  time += 1
  expect(prepared.nameOf('select 1')).not.toBe(second)
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
