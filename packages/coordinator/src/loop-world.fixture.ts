import {
  DEFAULT_SETTINGS,
  FreshetError,
  type Refresher,
  type RefreshOutcome,
  parseSchedule,
  type Settings,
  type Tier,
} from '@freshet/core'
import type { CatalogTable } from './catalog.ts'
import type { Clock } from './clock.ts'
import type { CoordinatorEvent } from './events.ts'
import type { Observed } from './freshness.ts'
import { createLoop } from './loop.ts'
import type { Loop } from './loop-options.ts'
import { afterFailure } from './record.ts'
import type { Store } from './store.ts'

/**
 * For the loop's tests: a clock that is turned by hand, and a small model of a database with stream tables, whose
 * refreshes take as long as the test says. What the real database does is tested in `coordinator.pg.test.ts`.
 */
class HandClock implements Clock {
  #now = 0
  #sleepers: { at: number; end: () => void }[] = []

  now(): number {
    return this.#now
  }

  /** A Monday at midnight in UTC. */
  origin(): number {
    return Date.UTC(2026, 0, 5)
  }

  random(): number {
    return 0.5
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const sleeper = { at: this.#now + ms, end: resolve }
      this.#sleepers.push(sleeper)
      signal.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper)
        resolve()
      })
    })
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + ms
    for (;;) {
      await new Promise((resolve) => setImmediate(resolve))
      const next = this.#sleepers.reduce((least, { at }) => Math.min(least, at), Infinity)
      if (next > until) break
      this.#now = Math.max(this.#now, next)
      const [awake] = this.#sleepers.filter(({ at }) => at <= next)
      this.#sleepers = this.#sleepers.filter((other) => other !== awake)
      awake?.end()
    }
    this.#now = until
  }
}

export interface TableSpec {
  readonly schedule?: string
  /** Captured sources by name; those of the world's own tables are stream tables. */
  readonly reads: readonly string[]
  readonly mode?: 'differential' | 'full'
  readonly uncaptured?: boolean
  readonly status?: CatalogTable['status']
  readonly slaMs?: number | null
  readonly tier?: Tier
  /** Those with the same number are refreshed together. */
  readonly unit?: number | null
  /** How long a refresh takes. */
  readonly takesMs?: number
  /** Its refreshes find nothing to do, and commit nothing. */
  readonly idle?: boolean
}

interface Entry extends Required<TableSpec> {
  readonly id: number
  status: CatalogTable['status']
  pending: boolean
  errors: number
  retryAt: number
  refreshedAt: number | null
  locked: boolean
}

const DONE: RefreshOutcome = {
  action: 'differential',
  reason: null,
  rowsInserted: 1,
  rowsDeleted: 0,
  changeRows: 1,
  durationMs: 0,
}

export class World {
  readonly clock = new HandClock()
  readonly events: CoordinatorEvent[] = []
  /** `12 orders_by_day`: what was started when; a full refresh that was asked for has ` full` behind it. */
  readonly starts: string[] = []
  readonly counts = { snapshots: 0, waits: 0, polls: 0, catalogs: 0 }
  readonly trims: string[] = []
  /** What was counted of how long changes waited; while `full`, the database does not take it. */
  readonly waits: Observed[] = []
  full = false
  /** Rows of history past their time, how long a batch of them takes, and when each was begun. */
  history = 0
  pruneMs = 0
  readonly prunes: number[] = []
  /** What some process left on the server. */
  readonly leftovers: string[] = []
  settings: Settings = DEFAULT_SETTINGS
  /** The refresher takes along what may come. */
  grouping = false
  /** How long the server takes to answer a question; the answer is as of the middle of that time. */
  latencyMs = 0
  /** How long it takes until a failure is recorded. */
  recordMs = 0
  /** Thrown by everything that polls, while set. */
  outage: FreshetError | null = null
  /** Thrown by the refreshes of these tables. */
  readonly faults = new Map<string, FreshetError>()
  readonly tables = new Map<string, Entry>()
  #snapshot = 1
  readonly #stop = new AbortController()

  constructor(specs: Readonly<Record<string, TableSpec>>) {
    for (const [name, spec] of Object.entries(specs)) this.add(name, spec)
  }

  add(name: string, spec: TableSpec): void {
    this.tables.set(name, {
      schedule: 'live',
      mode: 'differential',
      uncaptured: false,
      status: 'active',
      slaMs: null,
      tier: 'hot',
      unit: null,
      takesMs: 3,
      idle: false,
      ...spec,
      id: this.tables.size + 1,
      pending: false,
      errors: 0,
      retryAt: 0,
      refreshedAt: null,
      locked: false,
    })
    this.#snapshot++
  }

  table(name: string): Entry {
    const table = this.tables.get(name)
    if (table === undefined) throw new Error(`no table ${name}`)
    return table
  }

  /** A transaction wrote to a source. */
  commit(source: string): void {
    this.#snapshot++
    for (const table of this.tables.values()) if (table.reads.includes(source)) table.pending = true
  }

  /** Something in the catalog was changed. */
  change(name: string, change: Partial<Entry>): void {
    Object.assign(this.table(name), change)
    this.#snapshot++
  }

  start(): { readonly loop: Loop; readonly stop: () => Promise<void> } {
    const loop = createLoop({
      store: this.#store(),
      refresher: this.#refresher(),
      clock: this.clock,
      listener: (event) => this.events.push(event),
      initiatedBy: 'test',
      signal: this.#stop.signal,
    })
    const ended = loop.run()
    return {
      loop,
      stop: async () => {
        this.#stop.abort()
        await this.clock.advance(60_000)
        await ended
      },
    }
  }

  abort(): void {
    this.#stop.abort()
  }

  #byId(id: number): [string, Entry] {
    const found = [...this.tables].find(([, table]) => table.id === id)
    if (found === undefined) throw new FreshetError('UNKNOWN_STREAM_TABLE', `no table ${id}`)
    return found
  }

  #mayRefresh(table: Entry): boolean {
    return table.status === 'active' && this.clock.now() >= table.retryAt
  }

  #refresher(): Refresher {
    return {
      refresh: async (id, options = {}) => {
        const [name, table] = this.#byId(id)
        this.starts.push(`${this.clock.now()} ${name}${options.full === true ? ' full' : ''}`)
        if (table.locked) return { ...DONE, action: 'busy', rowsInserted: 0, changeRows: 0 }
        const members = [...this.tables].filter(
          ([, other]) =>
            other === table ||
            (table.unit !== null && other.unit === table.unit) ||
            (this.grouping && options.along?.includes(other.id) === true),
        )
        const waiting = members.filter(([, member]) => member.pending)
        for (const [, member] of members) member.pending = false
        await this.clock.sleep(table.takesMs, new AbortController().signal)
        const fault = members.flatMap(([member]) => this.faults.get(member) ?? [])[0]
        if (fault) {
          for (const [, member] of waiting) member.pending = true
          throw fault
        }
        if (table.idle) return { ...DONE, action: 'none', rowsInserted: 0, changeRows: 0, durationMs: table.takesMs }
        for (const [member, other] of members) {
          this.commit(member)
          other.refreshedAt = this.clock.now()
        }
        for (const [, member] of members) if (members.length > 1) member.pending = false
        const others = members.filter(([, other]) => other !== table)
        const together = new Map(others.map(([, other]) => [other.id, { ...DONE, durationMs: table.takesMs }]))
        return { ...DONE, durationMs: table.takesMs, ...(together.size === 0 ? {} : { together }) }
      },
    }
  }

  #store(): Store {
    const half = () => (this.latencyMs > 0 ? this.clock.sleep(this.latencyMs / 2, new AbortController().signal) : null)
    const answering = async <T>(answer: () => T): Promise<T> => {
      await half()
      if (this.outage) throw this.outage
      const value = answer()
      await half()
      return value
    }
    const now = () => this.clock.now()
    const active = (ids: readonly number[]) =>
      ids.map((id) => this.#byId(id)[1]).filter((table) => this.#mayRefresh(table))
    return {
      polling: (work) =>
        work({
          settings: () => answering(() => this.settings),
          catalog: () =>
            answering(() => {
              this.counts.catalogs++
              return this.#catalog()
            }),
          snapshot: () =>
            answering(() => {
              this.counts.snapshots++
              return `${this.#snapshot}`
            }),
          commit: async (known, everyMs, atMostMs) => {
            this.counts.waits++
            await half()
            const began = now()
            let heldMs: number | null = null
            while (!this.outage && `${this.#snapshot}` === known) {
              heldMs = now() - began
              if (heldMs >= atMostMs) break
              await this.clock.sleep(Math.min(everyMs, atMostMs - heldMs), new AbortController().signal)
            }
            return answering(() => ({ snapshot: `${this.#snapshot}`, heldMs }))
          },
          poll: (ids) =>
            answering(() => {
              this.counts.polls++
              const retries = [...this.tables.values()].map(({ retryAt }) => retryAt - now()).filter((ms) => ms > 0)
              return {
                snapshot: `${this.#snapshot}`,
                pending: active(ids).flatMap(({ id, pending }) => (pending ? [id] : [])),
                retryInMs: retries.length > 0 ? Math.min(...retries) : null,
              }
            }),
          ages: (ids) =>
            answering(
              () => new Map(active(ids).map((t) => [t.id, t.refreshedAt === null ? null : now() - t.refreshedAt])),
            ),
        }),
      recordFailure: async (policy, failure) => {
        await this.clock.sleep(this.recordMs, new AbortController().signal)
        return answering(() => {
          const table = this.#byId(failure.streamTable)[1]
          const state = { status: table.status, statusReason: null, consecutiveErrors: table.errors }
          const record = afterFailure(policy, state, failure)
          table.errors = record.consecutiveErrors
          table.status = record.status
          table.retryAt = now() + record.retryInMs
          this.#snapshot++
          return record
        })
      },
      recordSuccess: (id) =>
        answering(() => {
          this.#byId(id)[1].errors = 0
          this.#snapshot++
        }),
      trim: (stableName, limit) =>
        answering(() => {
          this.trims.push(`${now()} ${stableName} ${limit}`)
          return 0
        }),
      prune: async (_retentionMs, limit, signal) => {
        this.prunes.push(now())
        await this.clock.sleep(this.pruneMs, signal)
        if (signal.aborted) throw new FreshetError('STATEMENT_CANCELED', 'canceled')
        return answering(() => {
          const rows = Math.min(this.history, limit)
          this.history -= rows
          return rows
        })
      },
      recordFreshness: (observed) =>
        answering(() => {
          if (this.full) throw new FreshetError('SERVER_OVERLOADED', 'disk full')
          this.waits.push(...observed)
        }),
      announce: () => answering(() => false),
      inspect: () => answering(() => ({ mended: [], suspended: [] })),
      clear: () => answering(() => this.leftovers.splice(0)),
    }
  }

  #catalog(): CatalogTable[] {
    return [...this.tables].map(([name, table]) => ({
      id: table.id,
      name,
      schedule: parseSchedule(table.schedule),
      scheduleError: null,
      slaMs: table.slaMs,
      tier: table.tier,
      unit: table.unit,
      effectiveMode: table.mode,
      status: table.status,
      reinitialize: false,
      gated: false,
      consecutiveErrors: table.errors,
      ageMs: table.refreshedAt === null ? null : this.clock.now() - table.refreshedAt,
      sources: table.reads.map((source) => ({
        stableName: source,
        streamTable: this.tables.get(source)?.id ?? null,
        captured: !table.uncaptured,
        buffered: !table.uncaptured,
      })),
      output: null,
    }))
  }
}

/** A running loop over these tables, a second after its start. */
export async function started(tables: Readonly<Record<string, TableSpec>>, settings: Partial<Settings> = {}) {
  const world = new World(tables)
  world.settings = { ...DEFAULT_SETTINGS, ...settings }
  const running = world.start()
  await world.clock.advance(1_000)
  return {
    world,
    clock: world.clock,
    ...running,
    names: () => world.starts.map((start) => start.split(' ')[1]).join(' '),
  }
}
