import { expect, test } from 'vitest'
import { as, columnRef, isObject, list, type Ast } from '../ast.ts'
import '../facts.fixture.ts'
import { parseSelect } from '../parse.ts'
import { printExpression } from '../print/expression.ts'
import { combine, resolve, type Scope } from './scope.ts'

function tree(text: string): Ast {
  const value = as('ResTarget', list(parseSelect(`select ${text}`)['targetList'])[0])?.['val']
  if (!isObject(value)) throw new Error('no expression')
  return value
}

const left: Scope = {
  ranges: [
    {
      alias: 'o',
      row: null,
      columns: new Map([
        ['id', 'id'],
        ['note', 'note'],
        ['c', 'c'],
      ]),
    },
  ],
  merged: new Map(),
  outer: null,
}
const right: Scope = {
  ranges: [
    {
      alias: 'c',
      row: null,
      columns: new Map([
        ['id', 'id_2'],
        ['region', 'region'],
      ]),
    },
  ],
  merged: new Map([['key', columnRef('key_7')]]),
  outer: null,
}
const scope = combine(left, right)
const resolved = (text: string) => printExpression(resolve(tree(text), scope))

test.each([
  ['o.id', 'id'],
  ['c.id', 'id_2'],
  ['region', 'region'],
  ['key', 'key_7'],
  ['c', 'c'],
  ['upper(c.region) || o.id', '(upper(region) || id)'],
])('%s → %s', (text, expected) => {
  expect(resolved(text)).toBe(expected)
})

test('what is not found here is looked for around', () => {
  const inner: Scope = {
    ranges: [
      {
        alias: 'v',
        row: null,
        columns: new Map([
          ['page', 'page'],
          ['note', 'note_9'],
        ]),
      },
    ],
    merged: new Map(),
    outer: scope,
  }
  expect(printExpression(resolve(tree('f(page, note, region, o.note)'), inner))).toBe('f(page, note_9, region, note)')
})

test.each([
  ['o.*', 'WHOLE_ROW'],
  ['o', 'WHOLE_ROW'],
  ['id', 'OTHER'],
  ['o.nothing', 'OTHER'],
  ['x.id', 'OTHER'],
  ['s.o.id', 'OTHER'],
])('%s is refused: %s', (text, reason) => {
  expect(() => resolve(tree(text), scope)).toThrow(expect.objectContaining({ reason }))
})
