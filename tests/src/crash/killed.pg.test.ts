import { freshSeed, type Random, type RestartableServer, startRestartableServer } from '@freshet/testkit'
import { afterAll, beforeAll, describe, test } from 'vitest'
import { LONG } from '../length.ts'
import { dismissVictim, type Kind } from './kinds.ts'
import { OPERATIONS } from './operations.ts'
import { type Round, Worlds } from './suite.ts'

/** SIGKILL: for the process that carries an operation out, for the server's process that serves it, for the whole server. */
const seed = Number(process.env['FRESHET_CRASH_SEED'] ?? freshSeed())
const only = process.env['FRESHET_CRASH_OPERATION']
const short = new Set(['alter --query'])
const chosen = OPERATIONS.filter(({ name }) => (only === undefined ? LONG || short.has(name) : name === only))

let server: RestartableServer
let worlds: Worlds
beforeAll(async () => {
  // what was committed before must be there afterwards
  server = await startRestartableServer({ settings: { synchronous_commit: 'on' } })
  worlds = new Worlds(seed, server)
})
afterAll(async () => {
  dismissVictim()
  await worlds[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
})

describe('the process', () => {
  test.each(chosen)('$name', (operation) => worlds.strikeAll(operation, sample(['process'], LONG ? 5 : 1)), 3_600_000)
})

describe('the server', () => {
  const count = LONG ? 4 : 1
  test.each(chosen)('$name', (operation) => worlds.strikeAll(operation, sample(['crash', 'server'], count)), 3_600_000)
})

function sample(kinds: readonly Kind[], count: number): (points: readonly string[], order: Random) => readonly Round[] {
  return (points, order) =>
    order.shuffle(Array.from({ length: count }, (_, i) => kinds[i % kinds.length] ?? 'process')).map((kind) => ({
      kind,
      at: order.int(1, points.length),
      side: order.pick(['before', 'after'] as const),
      recovery: order.pick(['repeated', 'repaired'] as const),
    }))
}
