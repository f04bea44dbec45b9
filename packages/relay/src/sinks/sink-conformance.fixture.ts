import { isFreshetError } from '@freshet/core'
import { describe, expect, test } from 'vitest'
import type { Message } from '../message.ts'
import { RefusedMessage } from '../refused-message.ts'
import type { Guarantee, Sink } from '../sink.ts'

/**
 * The contract of `Sink`, as tests that every sink passes against its real server. A sink's own test file says how one is
 * made, and how what it shows is read:
 *
 *   sinkConformance('kafka', 'exactly once', async () => ({ create: …, shown: …, [Symbol.asyncDispose]: … }))
 */
export interface SinkWorld extends AsyncDisposable {
  /** Another sink of the same consumer, as after a restart. */
  create(): Sink
  /** Everything that a reader sees now, in the order of each key. */
  shown(): Promise<readonly Message[]>
  /** A message that the sink will never take, where there is such a thing. */
  readonly refused?: Message
  /** Its server goes away and comes back, where it has one. */
  readonly outage?: { begin(): Promise<void>; end(): Promise<void> }
}

/** What a sink's world has, told before it is there: what does not apply is not run. */
export interface SinkTraits {
  /** Whether a reader can tell an empty value from none. Default true. */
  readonly tombstones?: boolean
  /** Its world has `refused`. */
  readonly refuses?: boolean
  /** Its world has `outage`. */
  readonly server?: boolean
}

export function sinkConformance(
  name: string,
  guarantee: Guarantee,
  worldOf: () => Promise<SinkWorld>,
  { tombstones = true, refuses = false, server = false }: SinkTraits = {},
): void {
  describe(`the sink ${name} keeps the contract`, () => {
    test('it says what it guarantees', async () => {
      await using world = await worldOf()
      expect(world.create().guarantee).toBe(guarantee)
    })

    test('it begins nowhere, and nothing is there', async () => {
      await using world = await worldOf()
      await using sink = await opened(world)
      expect(sink.position).toBeNull()
      expect(await world.shown()).toEqual([])
    })

    test('what was delivered is there as it was, whatever it holds', async () => {
      await using world = await worldOf()
      await using sink = await opened(world)
      const odd = ODD.filter(({ value }) => tombstones || value !== null)
      await sink.deliver(odd, 'p1')
      expect(byId(await world.shown())).toEqual(byId(odd))
    })

    test('an empty delivery with a position is one', async () => {
      await using world = await worldOf()
      await using sink = await opened(world)
      await sink.deliver([], 'p1')
      await sink.deliver([message(1)], 'p2')
      expect(ids(await world.shown())).toEqual(['m-1'])
    })

    test('messages of a key stay in their order, over many deliveries', async () => {
      await using world = await worldOf()
      await using sink = await opened(world)
      const all = Array.from({ length: 1_000 }, (_, i) => message(i, `k${(i * 7) % 23}`))
      for (let i = 0; i < all.length; i += 250) await sink.deliver(all.slice(i, i + 250), `p${i}`)
      const shown = await world.shown()
      expect(shown.length).toBe(all.length)
      expect(byKey(shown)).toEqual(byKey(all))
    })

    test('after a crash, everything that was delivered is there, and what comes again has the same id', async () => {
      await using world = await worldOf()
      const first = await opened(world)
      await first.deliver([message(1), message(2)], 'p1')
      // it is neither closed nor heard of again, as after a kill
      await using second = await opened(world)
      expect(second.position).toBe(guarantee === 'exactly once' ? 'p1' : null)
      await second.deliver(guarantee === 'exactly once' ? [message(3)] : [message(2), message(3)], 'p2')
      const shown = await world.shown()
      expect([...new Set(ids(shown))]).toEqual(['m-1', 'm-2', 'm-3'])
      if (guarantee === 'exactly once') expect(shown.length).toBe(3)
      await first[Symbol.asyncDispose]()
    })

    test.runIf(guarantee === 'exactly once')('what was given without a position waits for one', async () => {
      await using world = await worldOf()
      const first = await opened(world)
      await first.deliver([message(1)], 'p1')
      await first.deliver([message(2)], null)
      await using second = await opened(world)
      expect(second.position).toBe('p1')
      expect(ids(await world.shown())).toEqual(['m-1'])
      await second.deliver([message(2)], null)
      await second.deliver([message(3)], 'p3')
      expect(ids(await world.shown())).toEqual(['m-1', 'm-2', 'm-3'])
      await first[Symbol.asyncDispose]()
    })

    test.runIf(guarantee === 'exactly once')('whoever was there before can deliver nothing any more', async () => {
      await using world = await worldOf()
      const first = await opened(world)
      await first.deliver([message(1)], 'p1')
      await using second = await opened(world)
      await expect(first.deliver([message(2)], 'p2')).rejects.toSatisfy((error) => isFreshetError(error, 'SINK_FENCED'))
      await second.deliver([message(3)], 'p3')
      expect(ids(await world.shown())).toEqual(['m-1', 'm-3'])
      await first[Symbol.asyncDispose]()
    })

    test.runIf(refuses)('a message that it will never take is named, and the others can go without it', async () => {
      await using world = await worldOf()
      const { refused } = world
      if (refused === undefined) throw new Error('its world has no message that it refuses')
      await using sink = await opened(world)
      const named = await sink.deliver([message(1), refused], 'p1').catch((error: unknown) => error)
      expect(named).toBeInstanceOf(RefusedMessage)
      expect(named).toMatchObject({ code: 'MESSAGE_REFUSED', refused: { id: refused.id } })
      await using again = await opened(world)
      await again.deliver([message(1)], 'p1')
      expect([...new Set(ids(await world.shown()))]).toEqual(['m-1'])
    })

    test.runIf(server)('while its server is away it says so, and nothing is lost', async () => {
      await using world = await worldOf()
      const { outage } = world
      if (outage === undefined) throw new Error('its world has no outage')
      await using sink = await opened(world)
      await sink.deliver([message(1)], 'p1')
      await outage.begin()
      await expect(sink.deliver([message(2)], 'p2')).rejects.toSatisfy(isPassing)
      await outage.end()
      await using again = await opened(world)
      await again.deliver(again.position === 'p2' ? [] : [message(2)], 'p2')
      expect([...new Set(ids(await world.shown()))]).toEqual(['m-1', 'm-2'])
    })
  })
}

/** A relay tries again, with a new sink. */
function isPassing(error: unknown): boolean {
  return isFreshetError(error) && (error.retry === 'reconnect' || error.retry === 'retry')
}

interface OpenedSink extends AsyncDisposable {
  readonly position: string | null
  readonly deliver: Sink['deliver']
}

async function opened(world: SinkWorld): Promise<OpenedSink> {
  const sink = world.create()
  const position = await sink.open()
  return {
    position,
    deliver: (messages, at) => sink.deliver(messages, at),
    [Symbol.asyncDispose]: () => sink.close(),
  }
}

export const TOPIC = 'freshet.conformance'

export function message(n: number, key: string | null = 'k'): Message {
  return { id: `m-${n}`, topic: TOPIC, key, headers: { n: String(n) }, value: Buffer.from(JSON.stringify({ n })) }
}

const ODD: readonly Message[] = [
  { ...message(1), key: null },
  { ...message(2), headers: {} },
  { ...message(3), headers: { 'x-Name': 'Grüße, 世界' }, key: 'Schlüssel 🔑' },
  { ...message(4), value: Buffer.alloc(0) },
  { ...message(5), value: null },
  { ...message(6), value: Buffer.from([0, 255, 128, 10, 13, 0]) },
  { ...message(7), value: Buffer.from(JSON.stringify({ text: 'x\n\u2028'.repeat(5_000) })) },
]

function ids(messages: readonly Message[]): readonly string[] {
  return messages.map(({ id }) => id)
}

function byId(messages: readonly Message[]): readonly Message[] {
  return [...messages].sort((a, b) => (a.id < b.id ? -1 : 1))
}

function byKey(messages: readonly Message[]): Readonly<Record<string, readonly string[]>> {
  const keys: Record<string, string[]> = {}
  for (const { key, id } of messages) (keys[key ?? ''] ??= []).push(id)
  return keys
}

/** The same sink, for a world with a topic of its own. */
export function toTopic(sink: Sink, topic: string): Sink {
  return {
    guarantee: sink.guarantee,
    open: () => sink.open(),
    deliver: (messages, position) =>
      sink.deliver(
        messages.map((one) => ({ ...one, topic })),
        position,
      ),
    close: () => sink.close(),
  }
}
