import { setImmediate as turn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Message } from '../message.ts'
import { RefusedMessage } from '../refused-message.ts'
import { inKeyOrder } from './in-key-order.ts'
import { message } from './sink-conformance.fixture.ts'

/** A server that acknowledges when it is told to. */
function server() {
  const under: { readonly message: Message; settle(error?: Error): void }[] = []
  return {
    under,
    ids: () => under.map(({ message: { id } }) => id),
    send: (one: Message) =>
      new Promise<void>((resolve, reject) => {
        const settle = (error?: Error) => {
          under.splice(under.indexOf(entry), 1)
          if (error === undefined) resolve()
          else reject(error)
        }
        const entry = { message: one, settle }
        under.push(entry)
      }),
  }
}

test('of a key one is under way, and keys do not wait for each other', async () => {
  const { under, ids, send } = server()
  const done = inKeyOrder([message(1, 'a'), message(2, 'a'), message(3, 'b'), message(4, null), message(5, null)], send)
  expect(ids()).toEqual(['m-1', 'm-3', 'm-4', 'm-5'])
  under[0]?.settle()
  await turn()
  expect(ids()).toEqual(['m-3', 'm-4', 'm-5', 'm-2'])
  while (under.length > 0) under[0]?.settle()
  await done
})

test('the same key of two topics is two', async () => {
  const { under, ids, send } = server()
  const done = inKeyOrder([message(1), { ...message(2), topic: 'another' }], send)
  expect(ids()).toEqual(['m-1', 'm-2'])
  while (under.length > 0) under[0]?.settle()
  await done
})

test('after a failure nothing more is sent, and it is told when nothing is under way any more', async () => {
  const { under, ids, send } = server()
  let told: unknown
  const done = inKeyOrder([message(1, 'a'), message(2, 'a'), message(3, 'b'), message(4, 'b')], send).catch(
    (error: unknown) => (told = error),
  )
  under[0]?.settle(new Error('full'))
  await turn()
  expect(ids()).toEqual(['m-3'])
  expect(told).toBeUndefined()
  under[0]?.settle()
  await turn()
  expect(ids()).toEqual([])
  await done
  expect(told).toEqual(new Error('full'))
})

test('no more than so many are under way, and what has an order can be said', async () => {
  const { under, ids, send } = server()
  const all = [message(1, 'a'), { ...message(2, 'a'), topic: 'another' }, message(3, 'b'), message(4, null)]
  const done = inKeyOrder(all, send, { most: 2, placeOf: ({ key }) => key })
  expect(ids()).toEqual(['m-1', 'm-3'])
  under[1]?.settle()
  await turn()
  expect(ids()).toEqual(['m-1', 'm-4'])
  under[0]?.settle()
  await turn()
  expect(ids()).toEqual(['m-4', 'm-2'])
  while (under.length > 0) under[0]?.settle()
  await done
})

test('that the server is away is told before that it refused a message', async () => {
  const { under, send } = server()
  const done = inKeyOrder([message(1, 'a'), message(2, 'b')], send)
  under[0]?.settle(new RefusedMessage(message(1, 'a'), 'it is too large'))
  under[0]?.settle(new Error('away'))
  await expect(done).rejects.toThrow('away')
})
