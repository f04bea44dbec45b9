import type { Random } from '@freshet/testkit'

/**
 * The orders in which the steps of several sessions can be started, each session's own order kept. An order is a list
 * of session numbers: `[0, 1, 0]` starts the first step of session 0, the first of session 1, the second of session 0.
 */
export function countOrders(steps: readonly number[]): number {
  let total = 0
  let orders = 1
  for (const count of steps) {
    for (let i = 1; i <= count; i++) orders = (orders * (total + i)) / i
    total += count
  }
  return Math.round(orders)
}

/** All of them when there are at most `limit`; else so many different ones, drawn by chance. */
export function ordersOf(steps: readonly number[], limit: number, random: Random): readonly (readonly number[])[] {
  if (countOrders(steps) <= limit) return allOrders(steps)
  const deck = steps.flatMap((count, session) => Array.from({ length: count }, () => session))
  const drawn = new Map<string, readonly number[]>()
  while (drawn.size < limit) {
    const order = random.shuffle(deck)
    drawn.set(order.join(), order)
  }
  return [...drawn.values()]
}

function allOrders(steps: readonly number[]): readonly (readonly number[])[] {
  if (steps.every((count) => count === 0)) return [[]]
  return steps.flatMap((count, session) =>
    count === 0 ? [] : allOrders(steps.with(session, count - 1)).map((rest) => [session, ...rest]),
  )
}
