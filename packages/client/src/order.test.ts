import { expect, test } from 'vitest'
import { refreshOrder, withUpstream } from './order.ts'

const table = (id: number, ...reads: number[]) => ({
  id,
  name: `t${id}`,
  sources: reads.map((streamTable) => ({ name: `t${streamTable}`, streamTable, capture: null })),
})

test('what is read comes before what reads it, however the list begins', () => {
  const order = refreshOrder([table(3, 2, 1), table(2, 1), table(4, 3), table(1)]).map(({ id }) => id)
  expect(order).toEqual([1, 2, 3, 4])
})

test('sources that are no stream tables, or are not in the list, do not matter', () => {
  const plain = { id: 2, name: 't2', sources: [{ name: 'orders', streamTable: null, capture: 'trigger' as const }] }
  expect(refreshOrder([table(1, 9), plain]).map(({ id }) => id)).toEqual([1, 2])
})

test('a circle is refused with its path', () => {
  expect(() => refreshOrder([table(1, 3), table(2, 1), table(3, 2)])).toThrow(
    expect.objectContaining({ code: 'CYCLE', detail: 't1 → t3 → t2 → t1' }) as Error,
  )
})

test('some of them, with all that they read and nothing else', () => {
  const tables = [table(5, 4), table(4, 2), table(3, 1), table(2, 1), table(1), table(6, 1)]
  expect(withUpstream(tables, [4, 3]).map(({ id }) => id)).toEqual([1, 2, 4, 3])
  expect(withUpstream(tables, [1]).map(({ id }) => id)).toEqual([1])
  expect(withUpstream(tables, [])).toEqual([])
})
