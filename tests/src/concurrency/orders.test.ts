import { random } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { countOrders, ordersOf } from './orders.ts'

test('every order that keeps each session’s own, once', () => {
  expect(ordersOf([2, 1], 10, random(1))).toEqual([
    [0, 0, 1],
    [0, 1, 0],
    [1, 0, 0],
  ])
  for (const steps of [[3, 2], [2, 2, 2], [4], [1, 1, 1, 1]]) {
    const all = ordersOf(steps, 1_000, random(1))
    expect(all).toHaveLength(countOrders(steps))
    expect(new Set(all.map((order) => order.join())).size).toBe(all.length)
  }
})

test('where there are more, as many as asked for, all different', () => {
  expect(countOrders([6, 4, 3])).toBe(60_060)
  const some = ordersOf([6, 4, 3], 50, random(7))
  expect(new Set(some.map((order) => order.join())).size).toBe(50)
  for (const order of some) expect(order.toSorted((a, b) => a - b).join('')).toBe('0000001111222')
})
