import type { Freshet, HistoryEntry, StreamTableStatus } from '@freshet/client'
import type { CoordinatorView } from '@freshet/coordinator'
import { healthOf } from './health.ts'
import { relaysOf, type RelaysAnswer } from './relays.ts'
import type { Sample, Series } from './series.ts'

/** What the JSON endpoints answer. The dashboard is written against these types; so may be other tools. */
export interface StatusAnswer {
  /** When the process was started, ISO 8601. */
  readonly startedAt: string
  readonly ready: boolean
  readonly reason: string | null
  readonly tables: readonly TableStatus[]
}

export interface TableStatus {
  readonly id: number
  readonly name: string
  readonly mode: StreamTableStatus['mode']
  readonly effectiveMode: StreamTableStatus['effectiveMode']
  readonly modeReason: StreamTableStatus['modeReason']
  readonly schedule: string
  readonly tier: StreamTableStatus['tier']
  /** A change is to be visible within so long; null where it has no objective. */
  readonly slaMs: number | null
  readonly storage: StreamTableStatus['storage']
  readonly status: StreamTableStatus['status']
  readonly statusReason: string | null
  readonly running: boolean
  /** It has seen every change that is older than this; null when this scheduler does not know. */
  readonly lagMs: number | null
  readonly refreshedAt: string | null
  readonly estimatedRows: number
  readonly pendingChanges: number
  readonly pendingIsLowerBound: boolean
  /** By this scheduler, in the last minute. */
  readonly refreshesPerMinute: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
  readonly consecutiveErrors: number
  readonly lastError: StreamTableStatus['lastError']
}

export interface HistoryAnswer {
  readonly refreshes: readonly RefreshEntry[]
}

export interface RefreshEntry {
  readonly id: string
  readonly name: string
  readonly startedAt: string
  readonly durationMs: number
  readonly action: HistoryEntry['action']
  readonly reason: string | null
  readonly initiatedBy: string
  readonly changeRows: number
  readonly rowsInserted: number
  readonly rowsDeleted: number
  readonly error: HistoryEntry['error']
}

export interface GraphAnswer {
  readonly nodes: readonly GraphNode[]
  readonly edges: readonly { readonly from: string; readonly to: string }[]
}

export interface GraphNode {
  /** The relation's name, which is unique. */
  readonly id: string
  readonly kind: 'source' | 'stream_table'
}

/** What the process takes care of: the first is the one that answers are about unless another is named. */
export interface DatabasesAnswer {
  readonly databases: readonly string[]
}

export interface SeriesAnswer {
  readonly samples: readonly Sample[]
}

export type StatusSource = Pick<Freshet, 'status' | 'history' | 'list'> & {
  readonly database: Pick<Freshet['database'], 'query'>
}

export interface Api {
  status(): Promise<StatusAnswer>
  history(options: { readonly name?: string; readonly limit: number }): Promise<HistoryAnswer>
  graph(): Promise<GraphAnswer>
  series(): SeriesAnswer
  relays(): Promise<RelaysAnswer>
}

export interface ApiParts {
  readonly freshet: StatusSource
  readonly view: () => CoordinatorView
  readonly series: Series
  readonly startedAt: Date
}

export function createApi({ freshet, view, series, startedAt }: ApiParts): Api {
  return {
    status: async () => {
      const tables = await freshet.status()
      const now = view()
      const { ready, reason } = healthOf(now)
      const live = new Map(now.tables.map((table) => [table.id, table]))
      return {
        startedAt: startedAt.toISOString(),
        ready,
        reason,
        tables: tables.map((table) => tableStatus(table, live.get(table.id), series.perMinute(table.id))),
      }
    },
    history: async (options) => ({ refreshes: (await freshet.history(options)).map(refreshEntry) }),
    graph: async () => {
      const tables = await freshet.list()
      const own = new Set(tables.map(({ name }) => name))
      const sources = new Set(tables.flatMap((table) => table.sources.map(({ name }) => name)))
      return {
        nodes: [
          ...[...sources].filter((name) => !own.has(name)).map((id) => ({ id, kind: 'source' as const })),
          ...[...own].map((id) => ({ id, kind: 'stream_table' as const })),
        ],
        edges: tables.flatMap(({ name, sources: read }) => read.map((source) => ({ from: source.name, to: name }))),
      }
    },
    series: () => ({ samples: series.samples() }),
    relays: () => relaysOf(freshet.database),
  }
}

function tableStatus(
  table: StreamTableStatus,
  live: CoordinatorView['tables'][number] | undefined,
  refreshesPerMinute: number,
): TableStatus {
  return {
    id: table.id,
    name: table.name,
    mode: table.mode,
    effectiveMode: table.effectiveMode,
    modeReason: table.modeReason,
    schedule: table.schedule,
    tier: table.tier,
    slaMs: table.slaMs,
    storage: table.storage,
    status: table.status,
    statusReason: table.statusReason,
    running: live?.running ?? false,
    lagMs: live?.lagMs ?? null,
    refreshedAt: table.refreshedAt?.toISOString() ?? null,
    estimatedRows: table.estimatedRows,
    pendingChanges: table.pendingChanges,
    pendingIsLowerBound: table.pendingIsLowerBound,
    refreshesPerMinute,
    p50Ms: table.refreshes.p50Ms,
    p99Ms: table.refreshes.p99Ms,
    consecutiveErrors: table.consecutiveErrors,
    lastError: table.lastError,
  }
}

function refreshEntry(entry: HistoryEntry): RefreshEntry {
  return {
    id: entry.refreshId,
    name: entry.name,
    startedAt: entry.startedAt.toISOString(),
    durationMs: entry.finishedAt.getTime() - entry.startedAt.getTime(),
    action: entry.action,
    reason: entry.reason,
    initiatedBy: entry.initiatedBy,
    changeRows: entry.changeRows,
    rowsInserted: entry.rowsInserted,
    rowsDeleted: entry.rowsDeleted,
    error: entry.error,
  }
}
