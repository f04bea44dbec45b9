import { type Database, raw } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { outboxSource } from '../sources/outbox-source.ts'
import type { RelayEvent } from '../event.ts'
import { openConsumer } from './consumer.ts'
import { createOutbox, type Outbox, type PayloadType } from './outbox.ts'
import type { PageBound } from './read.ts'

/** A database with an outbox, and a reader that goes on wherever it is told. */
export interface OutboxWorld extends AsyncDisposable {
  readonly test: TestDatabase
  readonly database: Database
  readonly outbox: Outbox
  /** The number `n` that a query answers, as soon as the server answers. */
  count(query: string): Promise<number>
}

/** On the server of all tests, or on one of its own. */
export async function outboxWorld(payload: PayloadType = 'jsonb', serverUrl?: string): Promise<OutboxWorld> {
  const test = await createTestDatabase(serverUrl === undefined ? {} : { serverUrl })
  const { database } = test
  const outbox = await createOutbox(database, { name: 'outbox', payload })
  const count = async (query: string) => {
    for (let failures = 0; ; failures++) {
      try {
        const [row] = await database.query<{ n: number }>(raw(query))
        return row?.n ?? 0
      } catch (error) {
        if (failures === 20) throw error
        await sleep(50)
      }
    }
  }
  return { test, database, outbox, count, [Symbol.asyncDispose]: () => test.drop() }
}

export const PAGES = { rows: 100, bytes: 1_000_000, pollMinMs: 1, pollMaxMs: 5 } as const

export async function beginning(world: OutboxWorld, name: string): Promise<string> {
  const { position } = await openConsumer(world.database, name, world.outbox, 'beginning')
  if (position === null) throw new Error(`${name} has no position`)
  return position
}

export interface Taken {
  readonly events: readonly RelayEvent[]
  readonly position: string
}

/** Reads from a position until `enough` says so, which is asked after each page and while nothing comes. */
export async function take(
  { database, outbox }: Pick<OutboxWorld, 'database' | 'outbox'>,
  position: string,
  enough: (events: readonly RelayEvent[]) => boolean,
  bound: PageBound = PAGES,
): Promise<Taken> {
  const source = await outboxSource(database, outbox, { ...PAGES, ...bound })
  const ending = new AbortController()
  const events: RelayEvent[] = []
  let reached = position
  for await (const page of source.pages(position, ending.signal)) {
    events.push(...page.events)
    reached = page.position ?? reached
    if (enough(events)) break
  }
  ending.abort()
  return { events, position: reached }
}

/** By the payloads `{"n": …}` of the tests. */
export function numbersOf(events: readonly RelayEvent[]): readonly number[] {
  return events.map((event) => {
    if (event.kind !== 'message' || event.payload === null || event.payload instanceof Uint8Array)
      throw new Error(`not a message with JSON: ${event.id}`)
    const { n } = JSON.parse(event.payload.json) as { n: number }
    return n
  })
}
