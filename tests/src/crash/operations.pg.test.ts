import { freshSeed, random, type Random } from '@freshet/testkit'
import { afterAll, test } from 'vitest'
import { LONG } from '../length.ts'
import { OPERATIONS } from './operations.ts'
import { type Round, Worlds } from './suite.ts'

/**
 * Every operation, broken off at the boundaries between its statements: by a client that is gone, by a session that is
 * ended, by connections that are cut, and by a statement that fails; or held up there, which must break nothing off.
 *
 * The short form draws some operations by the seed, and one point of each. The long one has every commit, with its answer
 * lost, and as many of the others as `FRESHET_CRASH_ROUNDS` says, or all of them.
 */
const seed = Number(process.env['FRESHET_CRASH_SEED'] ?? freshSeed())
const worlds = new Worlds(seed)
const only = process.env['FRESHET_CRASH_OPERATION']
const more = process.env['FRESHET_CRASH_ROUNDS'] ?? '20'

afterAll(() => worlds[Symbol.asyncDispose]())

const chosen = LONG ? OPERATIONS : random(seed).sample(OPERATIONS, 5)
test.each(only === undefined ? chosen : OPERATIONS.filter(({ name }) => name === only))(
  '$name',
  (operation) => worlds.strikeAll(operation, rounds),
  3_600_000,
)

function rounds(points: readonly string[], order: Random): Round[] {
  const commits: Round[] = []
  const others: Round[] = []
  const recovery = () => order.pick(['repeated', 'repaired'] as const)
  for (const [i, label] of points.entries()) {
    const at = i + 1
    const kept = label.startsWith('commit') ? commits : others
    kept.push({ kind: order.pick(['gone', 'cut', 'backend']), at, side: 'after', recovery: recovery() })
    others.push({ kind: order.pick(['gone', 'cut', 'backend']), at, side: 'before', recovery: recovery() })
    others.push({ kind: 'error', at, side: 'before', recovery: recovery() })
    others.push({ kind: 'delay', at, side: order.pick(['before', 'after']), recovery: recovery() })
  }
  if (!LONG) return order.sample([...commits, ...others], 1)
  return [...commits, ...(more === 'all' ? others : order.sample(others, Number(more)))]
}
