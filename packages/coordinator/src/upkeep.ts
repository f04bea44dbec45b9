import { DEFAULT_SETTINGS, isFreshetError, type Settings, toFreshetError } from '@freshet/core'
import type { CatalogTable } from './catalog.ts'
import type { Clock } from './clock.ts'
import type { CoordinatorListener } from './events.ts'
import { freshnessLedger } from './freshness.ts'
import { restAfter } from './pace.ts'
import type { RosterTable } from './roster.ts'
import type { Store } from './store.ts'

/**
 * What goes on beside the refreshes: removing change rows that every consumer has read, history past its time and what
 * processes left that ended too early, sending announcements that were held back, writing down how long changes waited,
 * and looking after the captures. One task at a time, in small transactions, and only after something was committed (a
 * frontier moved, for clean-up); so an idle database is left alone. Who drains is not kept by it: what comes in batches ends
 * with the one that runs, and that of the history is canceled.
 */
export interface Upkeep {
  /** It has read further in its sources, and whoever reads it may have as well. */
  refreshed(table: Pick<CatalogTable, 'sources' | 'output'>): void
  /** A refresh found changes that had waited so long. */
  observed(table: Pick<RosterTable, 'id' | 'catalog'>, waitedMs: number): void
  /** Something was committed in this cluster since the last look. */
  committed(): void
  /** Starts what is due, unless something runs already. */
  start(settings: Settings): void
  /** Ends when what runs has ended, and what was counted is written. */
  settled(): Promise<void>
}

/** So many full batches in a row; then somebody else's turn. */
const BATCHES = 10
const PRUNE_EVERY_MS = 60_000
const PRUNE_ROWS = 5_000
const INSPECT_EVERY_MS = 5_000
const CLEAR_EVERY_MS = 60_000
const INSPECT_AT_LEAST_EVERY_MS = 60_000
/** However soon announcements are wanted: the other tasks get their turns. */
const ANNOUNCE_EVERY_MS = 50
const COUNT_EVERY_MS = 5_000
const DAY_MS = 86_400_000

export function upkeep(store: Store, clock: Clock, listener: CoordinatorListener, signal: AbortSignal): Upkeep {
  const toTrim = new Set<string>()
  let toPrune = false
  let toAnnounce = false
  let announcedAt = -Infinity
  let trimAt = -Infinity
  let pruneAt = clock.now() + PRUNE_EVERY_MS * clock.random()
  let toInspect = true
  let inspectAt = clock.now() + INSPECT_EVERY_MS * clock.random()
  let toClear = true
  let clearAt = clock.now() + CLEAR_EVERY_MS * clock.random()
  const ledger = freshnessLedger()
  let countAt = clock.now() + COUNT_EVERY_MS * clock.random()
  let work: Promise<void> | undefined

  const trim = async (settings: Settings) => {
    const sources = [...toTrim]
    toTrim.clear()
    for (const stableName of sources) {
      const limit = settings.cleanup_batch_rows
      const rows = await inBatches(limit, signal, () => store.trim(stableName, limit))
      if (rows.more) toTrim.add(stableName)
      if (rows.count > 0) listener({ kind: 'trimmed', stableName, rows: rows.count })
    }
  }
  const prune = async (settings: Settings) => {
    const retentionMs = settings.history_retention_days * DAY_MS
    const startedAt = clock.now()
    const rows = await inBatches(PRUNE_ROWS, signal, () => store.prune(retentionMs, PRUNE_ROWS, signal))
    toPrune = rows.more
    // what is left of a long time is not waited for
    if (rows.more) pruneAt = clock.now() + restAfter(clock.now() - startedAt, 0, PRUNE_EVERY_MS)
    if (rows.count > 0) listener({ kind: 'pruned', rows: rows.count })
  }
  const inspect = async () => {
    toInspect = false
    const startedAt = clock.now()
    const { mended, suspended } = await store.inspect()
    inspectAt = clock.now() + restAfter(clock.now() - startedAt, INSPECT_EVERY_MS, INSPECT_AT_LEAST_EVERY_MS)
    for (const source of mended) listener({ kind: 'mended', source })
    for (const table of suspended) listener({ kind: 'suspended', ...table })
  }
  const clear = async () => {
    toClear = false
    for (const what of await store.clear()) listener({ kind: 'cleared', what })
  }
  const announce = async () => {
    toAnnounce = false
    if (await store.announce()) toAnnounce = true
  }
  const count = async () => {
    const observed = ledger.take()
    try {
      await store.recordFreshness(observed)
    } catch (error) {
      ledger.giveBack(observed)
      throw error
    }
  }
  const tasks = { trim, prune, inspect, clear, announce, count }
  const run = async (task: keyof typeof tasks, settings: Settings) => {
    try {
      await tasks[task](settings)
    } catch (error) {
      if (signal.aborted && isFreshetError(error, 'STATEMENT_CANCELED')) return
      listener({ kind: 'upkeep_failed', task, error: toFreshetError(error) })
    }
  }
  const nextTask = (now: number, settings: Settings): keyof typeof tasks | null => {
    if (toAnnounce && now >= announcedAt + Math.max(settings.notify_coalesce_ms, ANNOUNCE_EVERY_MS)) return 'announce'
    if (toInspect && now >= inspectAt) return 'inspect'
    if (toTrim.size > 0 && now >= trimAt) return 'trim'
    if (toPrune && now >= pruneAt) return 'prune'
    if (!ledger.empty && now >= countAt) return 'count'
    return toClear && now >= clearAt ? 'clear' : null
  }
  return {
    committed: () => {
      toInspect = true
      toClear = true
    },
    observed: (table, waitedMs) => ledger.add(table, waitedMs),
    refreshed: ({ sources, output }) => {
      for (const { stableName } of sources) toTrim.add(stableName)
      if (output !== null) toTrim.add(output)
      toPrune = true
      toAnnounce = true
    },
    start: (settings) => {
      const now = clock.now()
      const task = nextTask(now, settings)
      if (work !== undefined || task === null) return
      if (task === 'announce') announcedAt = now
      else if (task === 'inspect') inspectAt = now + INSPECT_EVERY_MS
      else if (task === 'trim') trimAt = now + settings.cleanup_interval_ms
      else if (task === 'prune') pruneAt = now + PRUNE_EVERY_MS
      else if (task === 'count') countAt = now + COUNT_EVERY_MS
      else clearAt = now + CLEAR_EVERY_MS
      work = run(task, settings).finally(() => {
        work = undefined
      })
    },
    settled: async () => {
      await work
      if (!ledger.empty) await run('count', DEFAULT_SETTINGS)
    },
  }
}

async function inBatches(
  limit: number,
  signal: AbortSignal,
  batch: () => Promise<number>,
): Promise<{ count: number; more: boolean }> {
  let count = 0
  for (let i = 0; i < BATCHES && !signal.aborted; i++) {
    const rows = await batch()
    count += rows
    if (rows < limit) return { count, more: false }
  }
  return { count, more: true }
}
