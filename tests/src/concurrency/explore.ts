import { random, type Random } from '@freshet/testkit'
import { interleave, type Session } from './interleave.ts'
import { countOrders, ordersOf } from './orders.ts'
import { createWorld, type Stream, type World } from './world.ts'
import { type Kind, KINDS } from './writers.ts'

/**
 * A spec: stream tables, and sessions with their steps. Each tried order begins with the tables as at first (or as the
 * last one left them, where its steps change rows only), and ends with everything brought to the present and compared.
 */
export interface Spec {
  readonly name: string
  readonly streams: Readonly<Record<string, Stream>>
  readonly sessions: (world: World, kind: Kind) => readonly Session[]
  /** The steps change more than rows, so each order begins anew. */
  readonly anew?: boolean
  /** Also with sources that are captured by WAL. */
  readonly wal?: boolean
}

export interface Report {
  readonly interleavings: number
  readonly possible: number
  readonly steps: number
  readonly waits: number
  readonly met: Readonly<Record<string, number>>
  readonly verified: number
  readonly audits: number
  readonly differences: number
}

/** `each` orders for every kind of writer. */
export async function explore(
  spec: Spec,
  {
    seed,
    kinds,
    each,
    cdc,
  }: { readonly seed: number; readonly kinds: number; readonly each: number; readonly cdc: 'trigger' | 'wal' },
): Promise<Report> {
  const own = random(seed)
  await using world = await createWorld({ streams: spec.streams, cdc })
  const total = { interleavings: 0, possible: 0, steps: 0, waits: 0 }
  const met: Record<string, number> = {}
  let clean = false
  for (const kind of kindsOf(own, kinds)) {
    const counts = spec.sessions(world, kind).map(({ steps }) => steps.length)
    total.possible += countOrders(counts)
    for (const order of ordersOf(counts, each, own)) {
      if (!clean) await world.reset()
      clean = spec.anew !== true
      const sessions = spec.sessions(world, kind)
      const { log, steps, waits, met: codes, failures } = await interleave(sessions, order, world.whoWaits)
      const problems = [
        ...failures,
        ...(await world.settle().then(
          () => [],
          (error: unknown) => [String(error)],
        )),
      ]
      total.interleavings++
      total.steps += steps
      total.waits += waits
      for (const code of codes) met[code] = (met[code] ?? 0) + 1
      if (problems.length > 0) {
        const title = `${spec.name} (${cdc}, ${kind.isolation}, ${kind.ending}), seed ${seed}, order ${order.join('')}`
        throw new Error([title, ...log.map((line) => `  ${line}`), ...problems].join('\n'))
      }
    }
  }
  return { ...total, met, ...world.counts }
}

function kindsOf(own: Random, count: number): readonly Kind[] {
  return count >= KINDS.length ? KINDS : own.sample(KINDS, count)
}
