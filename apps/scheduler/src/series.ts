import type { CoordinatorEvent } from '@freshet/coordinator'

/**
 * What the dashboard draws: a sample per second of the last ten minutes, and per stream table its last refreshes. Kept
 * in memory only, and about this process only; the history in the database is what lasts.
 */
export interface Sample {
  /** Seconds since 1970. */
  readonly at: number
  readonly refreshes: number
  readonly failures: number
  /** Of the refreshes that ended in this second, milliseconds; null when there was none. */
  readonly durationP50Ms: number | null
  readonly durationMaxMs: number | null
  /** Of live tables: from the last moment at which one was fresh to the end of its refresh. */
  readonly freshnessP50Ms: number | null
  readonly freshnessMaxMs: number | null
  readonly changeRows: number
}

export interface Series {
  record(event: CoordinatorEvent): void
  samples(): readonly Sample[]
  /** Refreshes of one table in the last minute. */
  perMinute(streamTable: number): number
}

const SECONDS = 600

interface Bucket {
  readonly at: number
  failures: number
  changeRows: number
  readonly durations: number[]
  readonly freshness: number[]
  readonly tables: Map<number, number>
}

export function series(now: () => number = Date.now): Series {
  const buckets: Bucket[] = []
  const second = () => Math.floor(now() / 1_000)
  const current = (): Bucket => {
    const at = second()
    const last = buckets.at(-1)
    if (last !== undefined && last.at >= at) return last
    const added = { at, failures: 0, changeRows: 0, durations: [], freshness: [], tables: new Map<number, number>() }
    buckets.push(added)
    while ((buckets[0]?.at ?? at) <= at - SECONDS) buckets.shift()
    return added
  }
  return {
    record: (event) => {
      if (event.kind === 'failed' || event.kind === 'suspended') current().failures++
      if (event.kind !== 'refreshed' || event.outcome.action === 'busy' || event.outcome.action === 'none') return
      const { outcome, waitedMs, table, live } = event
      const bucket = current()
      bucket.durations.push(outcome.durationMs)
      if (live) bucket.freshness.push(waitedMs)
      bucket.changeRows += outcome.changeRows
      bucket.tables.set(table.id, (bucket.tables.get(table.id) ?? 0) + 1)
    },
    samples: () => {
      const known = new Map(buckets.map((bucket) => [bucket.at, bucket]))
      const last = second()
      const first = Math.max(buckets[0]?.at ?? last, last - SECONDS + 1)
      return Array.from({ length: last - first + 1 }, (_, i) => sampleOf(first + i, known.get(first + i)))
    },
    perMinute: (streamTable) => {
      const from = second() - 60
      return buckets.reduce((sum, { at, tables }) => (at > from ? sum + (tables.get(streamTable) ?? 0) : sum), 0)
    },
  }
}

function sampleOf(at: number, bucket: Bucket | undefined): Sample {
  const { durations = [], freshness = [], failures = 0, changeRows = 0 } = bucket ?? {}
  return {
    at,
    refreshes: durations.length,
    failures,
    durationP50Ms: median(durations),
    durationMaxMs: durations.length > 0 ? Math.max(...durations) : null,
    freshnessP50Ms: median(freshness),
    freshnessMaxMs: freshness.length > 0 ? Math.max(...freshness) : null,
    changeRows,
  }
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null
}
