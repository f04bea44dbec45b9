import { isFreshetError } from '@freshet/core'
import { type Random, random, type RestartableServer } from '@freshet/testkit'
import type { Fault } from './fault-link.ts'
import { inventory } from './inventory.ts'
import { attempt, type Kind, within } from './kinds.ts'
import type { Operation } from './operations.ts'
import { bank, examine, remainingSessions, untilItAnswers, type World } from './world.ts'

/**
 * One operation, with a fault at its points. Without one it is run first: its statements are the points, and what is
 * there before and after it is what must be there again.
 *
 * After each fault somebody comes who knows nothing of it, and either asks for the same again, or has it repaired. Then
 * all tables must be equal to their queries, nothing may be left over, and the operation is undone for the next fault.
 */
export interface Round {
  readonly kind: Kind
  readonly at: number
  readonly side: Fault['side']
  readonly recovery: 'repeated' | 'repaired'
}

/** For the operation once more and a look at everything. */
const RECOVERY_MS = 180_000

interface Course {
  readonly world: World
  readonly operation: Operation
  /** The labels of the statements, in order. */
  readonly points: readonly string[]
  readonly before: readonly string[]
  readonly after: readonly string[]
}

/** Of one operation: what is printed. */
class Tally {
  readonly #faults = new Map<Kind, number>()
  readonly wrong: string[] = []
  points = 0
  unreached = 0

  fault(kind: Kind): void {
    this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + 1)
  }

  print(name: string, seed: number): void {
    const kinds = [...this.#faults].map(([kind, count]) => `${kind} ${count}`).join(', ')
    const faults = [...this.#faults.values()].reduce((sum, count) => sum + count, 0)
    console.log(
      `${name}: ${this.points} points, ${faults} faults (${kinds}), ${this.unreached} not reached, differences ${this.wrong.length}; seed ${seed}`,
    )
  }
}

/** The worlds of a test file: one, until a fault leaves something wrong in it. */
export class Worlds implements AsyncDisposable {
  readonly seed: number
  readonly #random: Random
  readonly #server: RestartableServer | undefined
  #world: World | undefined

  constructor(seed: number, server?: RestartableServer) {
    this.seed = seed
    this.#random = random(seed)
    this.#server = server
  }

  /** Strikes an operation so often; throws when something was wrong afterwards. */
  async strikeAll(operation: Operation, rounds: (points: readonly string[], order: Random) => readonly Round[]) {
    const tally = new Tally()
    let course = await this.#open(operation)
    tally.points = course.points.length
    for (const round of rounds(course.points, this.#random.fork())) {
      const world = this.#world
      // where it throws, whoever comes next has another one
      this.#world = undefined
      if (await strike(course, round, tally, this.#server)) {
        this.#world = world
        continue
      }
      try {
        await world?.abandon()
      } catch (error) {
        // what is left behind is told beside what was wrong before, not in its place
        tally.wrong.push(`${operation.name}: ${describe(error)}`)
      }
      course = await this.#open(operation)
    }
    tally.print(operation.name, this.seed)
    if (tally.wrong.length > 0) throw new Error(tally.wrong.join('\n\n'))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#world?.[Symbol.asyncDispose]()
  }

  async #open(operation: Operation): Promise<Course> {
    this.#world ??= await bank(this.#random.fork(), this.#server?.url)
    return openCourse(this.#world, operation)
  }
}

async function openCourse(world: World, operation: Operation): Promise<Course> {
  const { own, link, recovered } = world
  await prepare(world, operation)
  const before = await inventory(own.database)
  const { outcome } = await attempt(world, operation, { kind: 'delay', at: 0, side: 'before' })
  if (typeof outcome === 'object') throw new Error(`${operation.name} fails without a fault`, { cause: outcome.failed })
  const points = link.exchanges().map(({ label }) => label)
  const { wrong, inventory: after } = await recovered((freshet) => examine(world, freshet, operation.told))
  if (wrong.length > 0) throw new Error(`${operation.name} without a fault:\n${wrong.join('\n')}`)
  await recovered((freshet) => operation.undo?.(freshet) ?? Promise.resolve())
  return { world, operation, points, before, after }
}

async function prepare({ recovered, change }: World, operation: Operation): Promise<void> {
  await recovered((freshet) => operation.prepare?.(freshet) ?? Promise.resolve())
  await change()
}

/** Returns whether all is right afterwards. */
async function strike(course: Course, round: Round, tally: Tally, server?: RestartableServer): Promise<boolean> {
  const { world, operation } = course
  const wrong: string[] = []
  await prepare(world, operation)
  let { struck, outcome } = await attempt(world, operation, round, server)
  // how often an operation asks again differs a little
  if (struck === undefined && outcome === 'done') {
    await world.recovered((freshet) => operation.undo?.(freshet) ?? Promise.resolve())
    await prepare(world, operation)
    ;({ struck, outcome } = await attempt(world, operation, { ...round, at: Math.ceil(round.at / 2) }, server))
  }
  if (struck === undefined) {
    tally.unreached++
    if (typeof outcome === 'object') wrong.push(`failed though nothing happened: ${String(outcome.failed)}`)
  } else {
    tally.fault(round.kind)
  }
  await untilItAnswers(world.own.database)
  if (typeof outcome === 'object' && (round.kind === 'delay' || !isExpected(outcome.failed)))
    wrong.push(`failed with ${describe(outcome.failed)}`)
  wrong.push(...(await remainingSessions(world.own.database, ['struck', 'freshet-wal'])).map((line) => `left: ${line}`))
  try {
    wrong.push(...(await within(RECOVERY_MS, 'the recovery', recover(course, round))))
  } catch (error) {
    wrong.push(`recovery failed: ${describe(error)}`)
  }
  wrong.push(
    ...(await remainingSessions(world.own.database, ['recovered', 'freshet-wal'])).map((line) => `left: ${line}`),
  )
  const point = `${operation.name}: ${round.kind} ${round.side} statement ${round.at} of ${course.points.length} (${struck?.label ?? 'not reached'}), ${round.recovery}`
  tally.wrong.push(...wrong.map((what) => `${point}: ${what}`))
  if (wrong.length > 0) console.error(`WRONG ${point}\n  ${wrong.join('\n  ')}`)
  return wrong.length === 0
}

async function recover({ world, operation, before, after }: Course, { recovery }: Round): Promise<string[]> {
  const wrong: string[] = []
  await world.recovered(async (freshet) => {
    if (recovery === 'repeated') {
      await again(operation, freshet)
    } else {
      const { failed } = await freshet.repair()
      wrong.push(...failed.map(({ subject, error }) => `repair: ${subject}: ${error.message}`))
    }
    let seen = await examine(world, freshet, operation.told)
    wrong.push(...seen.wrong)
    const carriedOut = isDeepEqual(seen.inventory, after)
    if (recovery === 'repaired' && !carriedOut) {
      if (operation.bySource !== true && !isDeepEqual(seen.inventory, before))
        wrong.push(`neither as before nor as after: ${difference(before, seen.inventory)}`)
      await again(operation, freshet)
      seen = await examine(world, freshet, operation.told)
      wrong.push(...seen.wrong)
    }
    if (!isDeepEqual(seen.inventory, after)) wrong.push(`not as after it: ${difference(after, seen.inventory)}`)
    if (wrong.length === 0) await operation.undo?.(freshet)
  })
  return wrong
}

async function again(operation: Operation, freshet: Parameters<Operation['run']>[0]): Promise<void> {
  try {
    await operation.run(freshet)
  } catch (error) {
    if (operation.done === undefined || !isFreshetError(error, operation.done)) throw error
  }
}

/** What a fault may be called: an error with a code that says something, and never a fault of Freshet's own. */
function isExpected(error: unknown): boolean {
  return isFreshetError(error) && error.code !== 'INTERNAL' && error.code !== 'QUERY_FAILED'
}

function describe(error: unknown): string {
  if (!isFreshetError(error)) return error instanceof Error ? (error.stack ?? error.message) : String(error)
  return `${error.code} ${error.sqlState ?? ''} ${error.message}${error.detail === undefined ? '' : ` (${error.detail})`}`
}

function isDeepEqual(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((line, i) => line === other[i])
}

function difference(wanted: readonly string[], found: readonly string[]): string {
  const missing = wanted.filter((line) => !found.includes(line)).map((line) => `- ${line}`)
  const extra = found.filter((line) => !wanted.includes(line)).map((line) => `+ ${line}`)
  return [...missing, ...extra].join('; ')
}
