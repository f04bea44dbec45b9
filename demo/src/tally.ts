import type { SchedulerOptions } from '@freshet/scheduler'
import type { Written } from './schema.ts'

/** Counts what was written and refreshed: since the beginning, and over the last seconds. */
export interface Tally {
  committed(written: readonly Written[], late: boolean): void
  rolledBack(): void
  visibleAfter(ms: number): void
  /** For the scheduler to tell. */
  readonly listener: NonNullable<SchedulerOptions['listener']>
  readonly total: Readonly<Total>
  readonly freshness: readonly number[]
  table(name: string): TableTally
  /** Of the last seconds. */
  recent(): Recent
}

export interface Total {
  inserts: number
  updates: number
  deletes: number
  transactions: number
  late: number
  rolledBack: number
  refreshes: number
  failures: number
}

export interface TableTally {
  readonly refreshes: number
  readonly changeRows: number
  readonly error: string | null
  readonly perSecond: number
  /** Of the last seconds, in milliseconds. */
  readonly durations: readonly number[]
  /** How long changes had been known to wait when a refresh that took them in ended. */
  readonly waits: readonly number[]
}

export interface Recent {
  readonly insertsPerSecond: number
  readonly updatesPerSecond: number
  readonly deletesPerSecond: number
  readonly transactionsPerSecond: number
  readonly refreshesPerSecond: number
  readonly freshness: readonly number[]
}

const WINDOW_MS = 5_000
const FRESHNESS_WINDOW_MS = 30_000

export function tally(now: () => number = () => performance.now()): Tally {
  const startedAt = now()
  const total: Total = {
    inserts: 0,
    updates: 0,
    deletes: 0,
    transactions: 0,
    late: 0,
    rolledBack: 0,
    refreshes: 0,
    failures: 0,
  }
  const commits = recently<Written>(WINDOW_MS, now)
  const ages = recently<number>(FRESHNESS_WINDOW_MS, now)
  const freshness: number[] = []
  const tables = new Map<string, ReturnType<typeof emptyTable>>()
  const emptyTable = () => ({
    refreshes: 0,
    changeRows: 0,
    error: null as string | null,
    last: recently<{ duration: number; waited: number }>(WINDOW_MS, now),
  })
  const entry = (name: string) => {
    const known = tables.get(name) ?? emptyTable()
    tables.set(name, known)
    return known
  }
  const perSecond = (count: number) => (count * 1_000) / Math.max(Math.min(WINDOW_MS, now() - startedAt), 1)
  return {
    committed: (written, late) => {
      const sum = written.reduce(add, { inserts: 0, updates: 0, deletes: 0 })
      total.inserts += sum.inserts
      total.updates += sum.updates
      total.deletes += sum.deletes
      total.transactions++
      if (late) total.late++
      commits.push(sum)
    },
    rolledBack: () => {
      total.rolledBack++
    },
    visibleAfter: (ms) => {
      freshness.push(ms)
      ages.push(ms)
    },
    listener: (event) => {
      if (event.kind === 'failed' || event.kind === 'suspended') {
        total.failures++
        entry(event.table.name).error = `${event.error.code}: ${event.error.message}`
      }
      if (event.kind !== 'refreshed' || event.outcome.action === 'busy' || event.outcome.action === 'none') return
      total.refreshes++
      const table = entry(event.table.name)
      table.refreshes++
      table.changeRows += event.outcome.changeRows
      table.error = null
      table.last.push({ duration: event.outcome.durationMs, waited: event.waitedMs })
    },
    total,
    freshness,
    table: (name) => {
      const { refreshes, changeRows, error, last } = entry(name)
      const recent = last.values()
      return {
        refreshes,
        changeRows,
        error,
        perSecond: perSecond(recent.length),
        durations: recent.map(({ duration }) => duration),
        waits: recent.map(({ waited }) => waited),
      }
    },
    recent: () => {
      const values = commits.values()
      const sum = values.reduce(add, { inserts: 0, updates: 0, deletes: 0 })
      const refreshes = [...tables.values()].reduce((count, { last }) => count + last.values().length, 0)
      return {
        insertsPerSecond: perSecond(sum.inserts),
        updatesPerSecond: perSecond(sum.updates),
        deletesPerSecond: perSecond(sum.deletes),
        transactionsPerSecond: perSecond(values.length),
        refreshesPerSecond: perSecond(refreshes),
        freshness: ages.values(),
      }
    },
  }
}

export function percentile(values: readonly number[], part: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(Math.ceil(sorted.length * part) - 1, 0)] ?? null
}

function add(a: Written, b: Written): Written {
  return { inserts: a.inserts + b.inserts, updates: a.updates + b.updates, deletes: a.deletes + b.deletes }
}

function recently<T>(windowMs: number, now: () => number) {
  let kept: { at: number; value: T }[] = []
  const prune = () => {
    const from = now() - windowMs
    const first = kept.findIndex(({ at }) => at >= from)
    if (first !== 0) kept = first === -1 ? [] : kept.slice(first)
  }
  return {
    push: (value: T) => {
      kept.push({ at: now(), value })
      if (kept.length % 1_000 === 0) prune()
    },
    values: (): T[] => {
      prune()
      return kept.map(({ value }) => value)
    },
  }
}
