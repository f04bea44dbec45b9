import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from './stand.ts'

/**
 * Writers that keep a rate, one transaction at a time each, and remember when each of them heard of its COMMIT. Their
 * transactions have numbers, 1 2 3 … for each writer: who has seen one has seen all before it.
 */
export const EVENTS = `create table events (id bigint generated always as identity primary key,
  writer int not null, seq int not null, kind int not null, amount numeric not null)`

export interface EventLoad {
  readonly writers: number
  /** When the writer heard that its transaction was committed, by `now()`; undefined before. */
  committedAt(writer: number, seq: number): number | undefined
  /** How many it has committed. */
  committed(writer: number): number
  /** Transactions a second, from the first to the last. Ends when all have written. */
  readonly written: Promise<number>
}

/** Milliseconds by the machine's clock that only goes forward: the same for all processes. */
export function now(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

export interface LoadOptions {
  readonly writers: number
  readonly perSecond: number
  readonly runMs: number
  readonly kinds: number
}

export async function startEventLoad(bench: Bench, options: LoadOptions): Promise<EventLoad> {
  const { writers, perSecond, runMs, kinds } = options
  const clients = await Promise.all(Array.from({ length: writers }, () => bench.database.client()))
  const times = clients.map((): number[] => [])
  const begun = now()
  const pause = (writers * 1000) / perSecond
  const ended = Promise.all(
    clients.map(async (client, writer) => {
      const own = times[writer] ?? []
      const started = begun + (pause / writers) * writer
      for (let seq = 1; seq * pause <= runMs; seq++) {
        const early = started + seq * pause - now()
        if (early > 0) await sleep(early)
        await client.query({
          name: 'write',
          text: 'insert into events (writer, seq, kind, amount) values ($1, $2, $3, 1.25)',
          values: [writer, seq, (seq * 7 + writer) % kinds],
        })
        own.push(now())
      }
    }),
  )
  return {
    writers,
    committedAt: (writer, seq) => times[writer]?.[seq - 1],
    committed: (writer) => times[writer]?.length ?? 0,
    written: ended.then(() => {
      const count = times.reduce((sum, own) => sum + own.length, 0)
      return (count * 1000) / (now() - begun)
    }),
  }
}
