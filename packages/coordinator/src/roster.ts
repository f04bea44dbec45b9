import type { CatalogTable } from './catalog.ts'
import { type DueTable, nextBeat } from './due.ts'
import { type DependencyGraph, dependencyGraph } from './graph.ts'
import { isScheduled } from './lifecycle.ts'
import type { Schedule } from './schedule.ts'

/**
 * The stream tables as this process sees them: the catalog's rows, and beside them what only this process knows, namely
 * when each was started last, when its next beat is, and how long it has been fresh.
 */
export interface RosterTable extends DueTable {
  catalog: CatalogTable
  schedule: Schedule
  scheduled: boolean
  timed: boolean
  reinitialize: boolean
  nextAt: number
  notBefore: number
  lastStartAt: number
  /** The interval between two looks that the clock asks for; null when it asks for none. */
  everyMs: number | null
  /** When the last refresh here ended well. */
  lastSuccessAt: number
  /** The last moment at which the table was known to have seen every change. */
  freshAt: number
  /** Errors in a row that could not be recorded, because the connection was gone. */
  unrecordedErrors: number
}

export interface Roster {
  readonly tables: ReadonlyMap<number, RosterTable>
  readonly graph: DependencyGraph
  /** There may be tables that want more than their buffers can tell. */
  readonly unsure: boolean
}

export const EMPTY_ROSTER: Roster = { tables: new Map(), graph: dependencyGraph([]), unsure: false }

/** A live table that no buffer speaks for is looked at so often. */
const LIVE_TIMED_MS = 1_000

/**
 * The roster for a newly read catalog: rows are replaced, what this process knows is kept. A table keeps its object, so
 * that a refresh which is running finds it. `random` in [0, 1) sets schedulers apart that would beat as one.
 */
export function refreshRoster(
  previous: Roster,
  catalog: readonly CatalogTable[],
  now: number,
  random: () => number,
): Roster {
  const graph = dependencyGraph(
    catalog.map(({ id, name, sources }) => ({
      id,
      name,
      reads: sources.flatMap(({ streamTable }) => (streamTable === null ? [] : [streamTable])),
    })),
  )
  const tables = catalog.map((row) => {
    const known = previous.tables.get(row.id)
    return known === undefined ? added(row, now, random) : updated(known, row, now, random)
  })
  return { tables: new Map(tables.map((table) => [table.id, table])), graph, unsure: tables.some(isUnsure) }
}

/** Time alone wants the refresh, or it was marked: the last poll did not answer for it. */
export function isUnsure(table: DueTable): boolean {
  return table.timed || table.reinitialize
}

function added(row: CatalogTable, now: number, random: () => number): RosterTable {
  return {
    ...fromCatalog(row),
    id: row.id,
    nextAt: firstBeat(row, now, random),
    notBefore: -Infinity,
    lastStartAt: -Infinity,
    lastSuccessAt: -Infinity,
    freshAt: now - (row.ageMs ?? 0),
    unrecordedErrors: 0,
  }
}

function updated(table: RosterTable, row: CatalogTable, now: number, random: () => number): RosterTable {
  if (table.everyMs !== beatOf(row)) table.nextAt = firstBeat(row, now, random)
  if (forgiven(table.catalog, row)) table.notBefore = -Infinity
  // somebody else may have refreshed it
  if (row.ageMs !== null) table.freshAt = Math.max(table.freshAt, now - row.ageMs)
  return Object.assign(table, fromCatalog(row))
}

function fromCatalog(row: CatalogTable) {
  return {
    catalog: row,
    schedule: row.schedule,
    scheduled: isScheduled(row.status) && !row.gated,
    timed: isTimed(row),
    reinitialize: row.reinitialize,
    everyMs: beatOf(row),
  }
}

/** Whoever refreshed it last set a rhythm: go on in it. */
function firstBeat(row: CatalogTable, now: number, random: () => number): number {
  const everyMs = beatOf(row)
  if (everyMs === null || row.ageMs === null) return now
  return now + Math.max(everyMs - row.ageMs, 0) + random() * Math.min(everyMs / 20, 250)
}

/** Its errors were taken away, by `resume` or by somebody's successful refresh: do not wait any longer. */
function forgiven(before: CatalogTable, after: CatalogTable): boolean {
  return before.consecutiveErrors > after.consecutiveErrors
}

/**
 * Time alone makes it due when a source is not captured; and on a schedule also when its query is recomputed as a
 * whole, because the reason for that may be that its answer depends on more than its sources.
 */
function isTimed({ sources, effectiveMode, schedule }: CatalogTable): boolean {
  return sources.some(({ captured }) => !captured) || (effectiveMode === 'full' && schedule.kind === 'every')
}

function beatOf(row: CatalogTable): number | null {
  switch (row.schedule.kind) {
    case 'manual':
      return null
    case 'live':
      return isTimed(row) ? LIVE_TIMED_MS : null
    case 'every':
      return row.schedule.ms
  }
}

export function skipToNextBeat(table: RosterTable, now: number): void {
  const { everyMs } = table
  if (everyMs !== null) table.nextAt = nextBeat(table.nextAt, everyMs, now)
}
