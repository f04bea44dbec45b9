import { expect, test } from 'vitest'
import { memo } from './memo.ts'

test('a slow answer is kept longer', async () => {
  let now = 0
  let asked = 0
  const slow = () => {
    asked++
    now += 50
    return Promise.resolve()
  }
  const ask = memo(100, slow, () => now)
  await ask()
  now = 549
  await ask()
  expect(asked).toBe(1)
  now = 550
  await ask()
  expect(asked).toBe(2)
})

test('one question for all who ask within the time; failures are asked again', async () => {
  let now = 0
  let asked = 0
  const ask = memo(
    100,
    () => (++asked === 2 ? Promise.reject(new Error('down')) : Promise.resolve(asked)),
    () => now,
  )
  expect(await Promise.all([ask(), ask()])).toEqual([1, 1])
  now = 99
  expect(await ask()).toBe(1)
  now = 100
  await expect(ask()).rejects.toThrow('down')
  expect(await ask()).toBe(3)
})
