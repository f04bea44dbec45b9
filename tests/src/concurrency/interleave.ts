import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Runs the steps of several sessions in one given order, as PostgreSQL's isolationtester does. A step that waits for a
 * lock is left waiting and the next one is started; later steps of its session queue up behind it. What a session waits
 * for, another one gives free in a later step; so at the end all have ended, or something hangs.
 *
 * Which steps wait is looked up in the server, and decides only what is tried, never whether it passes.
 */
export interface Step {
  readonly name: string
  readonly run: () => Promise<unknown>
}

export interface Session {
  readonly name: string
  readonly steps: readonly Step[]
  /** SQLSTATEs and Freshet's codes that its steps may meet. */
  readonly expected: readonly string[]
}

export interface Outcome {
  /** The steps as they were started, with what became of each. */
  readonly log: readonly string[]
  readonly steps: number
  /** Steps that waited for another session. */
  readonly waits: number
  /** Errors that the sessions may meet, by code. */
  readonly met: readonly string[]
  /** Errors that they may not, and hangs. */
  readonly failures: readonly string[]
}

/** Names of the sessions that wait for a lock at this moment. */
export type WhoWaits = () => Promise<ReadonlySet<string>>

/** A step that neither ends nor waits for a lock (it sleeps between two attempts) lets the next one begin after this. */
const PATIENCE_MS = 150
const HANG_MS = 60_000

export async function interleave(
  sessions: readonly Session[],
  order: readonly number[],
  whoWaits: WhoWaits,
): Promise<Outcome> {
  const running = sessions.map((session) => new Running(session))
  for (const turn of order) {
    const session = running[turn]
    if (session === undefined) throw new RangeError(`there is no session ${turn}`)
    const queued = session.busy
    session.start()
    if (!queued) await untilItEndsOrWaits(session, whoWaits)
    // whom that step released gets the time to go on
    for (const other of running) if (other !== session && other.busy) await untilItEndsOrWaits(other, whoWaits)
  }
  const end = performance.now() + HANG_MS
  while (running.some(({ busy }) => busy) && performance.now() < end) await sleep(2)
  const failures = running.flatMap((session) => [
    ...session.failures,
    ...(session.busy ? [`${session.name} hangs in ${session.current}`] : []),
  ])
  return {
    log: running
      .flatMap(({ log }) => log)
      .toSorted((a, b) => a.at - b.at)
      .map(({ text }) => text),
    steps: order.length,
    waits: running.reduce((sum, { waits }) => sum + waits, 0),
    met: running.flatMap(({ met }) => met),
    failures,
  }
}

async function untilItEndsOrWaits(session: Running, whoWaits: WhoWaits): Promise<void> {
  const end = performance.now() + (session.hasWaited ? PATIENCE_MS / 5 : PATIENCE_MS)
  for (;;) {
    await Promise.race([session.idle, sleep(2)])
    if (!session.busy) return
    if ((await whoWaits()).has(session.name)) return session.waited()
    if (!session.busy || performance.now() > end) return session.busy ? session.waited() : undefined
  }
}

/** What fails in a transaction that has failed already, or names what it would have prepared. */
const AFTER_A_FAILURE = ['25P02', '42704', '3B001', '26000']

class Running {
  readonly name: string
  readonly log: { readonly at: number; readonly text: string }[] = []
  readonly met: string[] = []
  readonly failures: string[] = []
  waits = 0
  hasWaited = false
  current = ''
  idle: Promise<void> = Promise.resolve()
  private readonly session: Session
  private next = 0
  private open = 0
  private failed = false

  constructor(session: Session) {
    this.name = session.name
    this.session = session
  }

  get busy(): boolean {
    return this.open > 0
  }

  waited(): void {
    if (!this.hasWaited) this.waits++
    this.hasWaited = true
  }

  /** Starts the next step, once those before it have ended. */
  start(): void {
    const step = this.session.steps[this.next++]
    if (step === undefined) throw new RangeError(`${this.name} has no more steps`)
    this.open++
    this.idle = this.idle.then(async () => {
      this.current = step.name
      this.hasWaited = false
      const at = performance.now()
      const result = await this.perform(step)
      const waited = this.hasWaited ? `, after ${Math.round(performance.now() - at)} ms` : ''
      this.log.push({ at, text: `${this.name}: ${step.name} → ${result}${waited}` })
      this.open--
    })
  }

  private async perform(step: Step): Promise<string> {
    if (step.name.startsWith('begin')) this.failed = false
    try {
      const result = await step.run()
      return typeof result === 'string' ? result : 'done'
    } catch (error) {
      const codes = codesOf(error)
      const code = codes.find((one) => this.session.expected.includes(one))
      if (code !== undefined) {
        this.failed = true
        this.met.push(code)
        return code
      }
      if (this.failed && codes.some((one) => AFTER_A_FAILURE.includes(one))) return 'nothing, after the failure'
      this.failures.push(`${this.name}: ${step.name}: ${describe(error)}`)
      return describe(error)
    }
  }
}

function codesOf(error: unknown): readonly string[] {
  if (typeof error !== 'object' || error === null) return []
  return ['code', 'sqlState'].flatMap((key) => {
    const value: unknown = Reflect.get(error, key)
    return typeof value === 'string' ? [value] : []
  })
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const detail: unknown = Reflect.get(error, 'detail')
  const where: unknown = Reflect.get(error, 'where')
  const more = [detail, where].filter((part) => typeof part === 'string').join(' | ')
  return `${codesOf(error).join(' ')} ${error.message}${more === '' ? '' : ` (${more})`}`
}
