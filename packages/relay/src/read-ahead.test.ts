import { expect, test } from 'vitest'
import { readAhead } from './read-ahead.ts'

/** Tells when it is asked for each item. */
async function* told(more: readonly boolean[], asked: number[]) {
  for (const [number, one] of more.entries()) {
    asked.push(number)
    yield await Promise.resolve({ number, more: one })
  }
  asked.push(more.length)
}

test('what is there is asked for while the one before is worked on; what is not, when it is wanted', async () => {
  const asked: number[] = []
  const seen: (readonly number[])[] = []
  for await (const { number } of readAhead(told([true, true, false, false], asked))) seen[number] = [...asked]
  expect(seen).toEqual([
    [0, 1],
    [0, 1, 2],
    [0, 1, 2],
    [0, 1, 2, 3],
  ])
  expect(asked).toEqual([0, 1, 2, 3, 4])
})

test('a failure of the next item comes when its turn does; whoever leaves waits for what was asked for', async () => {
  async function* failing() {
    yield await Promise.resolve({ more: true })
    throw new Error('gone')
  }
  const taken: unknown[] = []
  await expect(
    (async () => {
      for await (const one of readAhead(failing())) taken.push(one)
    })(),
  ).rejects.toThrow('gone')
  expect(taken).toHaveLength(1)

  const asked: number[] = []
  const items = told([true, true], asked)
  for await (const _ of readAhead(items)) break
  expect(asked).toEqual([0, 1])
  expect(await items.next()).toMatchObject({ done: true })
})
