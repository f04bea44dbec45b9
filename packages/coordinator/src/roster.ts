import { isDeepStrictEqual } from 'node:util'
import type { CatalogTable } from './catalog.ts'
import type { Clock } from './clock.ts'
import type { DueTable } from './due.ts'
import { type DependencyGraph, dependencyGraph } from './graph.ts'
import { isScheduled } from './lifecycle.ts'
import { objectivesOf } from './objectives.ts'
import { type Units, unitsOf } from './units.ts'
import { firstTurn, nextTurn, type Plan, plansOf, type Rhythm } from './rhythm.ts'

/**
 * The stream tables as this process sees them: the catalog's rows, and beside them what only this process knows, namely
 * when each was started last, when its next beat is, and how long it has been fresh.
 */
export interface RosterTable extends DueTable {
  catalog: CatalogTable
  schedule: Plan
  scheduled: boolean
  timed: boolean
  reinitialize: boolean
  quick: boolean
  nextAt: number
  notBefore: number
  lastStartAt: number
  /** When the clock asks for it; null when it does not. */
  rhythm: Rhythm | null
  /** When the last refresh here ended well. */
  lastSuccessAt: number
  within: number
  freshAt: number
  /** Errors in a row that could not be recorded, because the connection was gone. */
  unrecordedErrors: number
}

export interface Roster {
  readonly tables: ReadonlyMap<number, RosterTable>
  readonly graph: DependencyGraph
  readonly units: Units
  /** There may be tables that want more than their buffers can tell. */
  readonly unsure: boolean
}

export const EMPTY_ROSTER: Roster = { tables: new Map(), graph: dependencyGraph([]), units: [], unsure: false }

/** A live table that no buffer speaks for is looked at so often. */
const LIVE_TIMED: Rhythm = { everyMs: 1_000, crons: [] }

/**
 * The roster for a newly read catalog: rows are replaced, what this process knows is kept. A table keeps its object, so
 * that a refresh which is running finds it. The clock's `random` sets schedulers apart that would beat as one.
 */
export function refreshRoster(previous: Roster, catalog: readonly CatalogTable[], now: number, clock: Clock): Roster {
  const graph = dependencyGraph(
    catalog.map(({ id, name, sources }) => ({
      id,
      name,
      reads: sources.flatMap(({ streamTable }) => (streamTable === null ? [] : [streamTable])),
    })),
  )
  const plans = plansOf(catalog, graph)
  const objectives = objectivesOf(catalog, graph)
  const tables = catalog.map((row) => {
    const known = previous.tables.get(row.id)
    const plan = plans.get(row.id) ?? { kind: 'manual' }
    const within = objectives.get(row.id) ?? Infinity
    const table = known === undefined ? added(row, plan, now, clock) : updated(known, row, plan, now, clock)
    return Object.assign(table, { within })
  })
  return {
    tables: new Map(tables.map((table) => [table.id, table])),
    graph,
    units: unitsOf(catalog, graph),
    unsure: tables.some(isUnsure),
  }
}

/** Time alone wants the refresh, or it was marked: the last poll did not answer for it. */
export function isUnsure(table: DueTable): boolean {
  return table.timed || table.reinitialize
}

function added(row: CatalogTable, plan: Plan, now: number, clock: Clock): RosterTable {
  const facts = fromCatalog(row, plan)
  return {
    ...facts,
    id: row.id,
    nextAt: firstAt(facts.rhythm, row.ageMs, now, clock),
    notBefore: -Infinity,
    lastStartAt: -Infinity,
    quick: false,
    lastSuccessAt: -Infinity,
    freshAt: now - (row.ageMs ?? 0),
    unrecordedErrors: 0,
    within: Infinity,
  }
}

function updated(table: RosterTable, row: CatalogTable, plan: Plan, now: number, clock: Clock): RosterTable {
  const facts = fromCatalog(row, plan)
  if (!isDeepStrictEqual(table.rhythm, facts.rhythm)) table.nextAt = firstAt(facts.rhythm, row.ageMs, now, clock)
  if (forgiven(table.catalog, row)) table.notBefore = -Infinity
  // somebody else may have refreshed it
  if (row.ageMs !== null) table.freshAt = Math.max(table.freshAt, now - row.ageMs)
  return Object.assign(table, facts)
}

function fromCatalog(row: CatalogTable, plan: Plan) {
  const timed = isTimed(row, plan)
  return {
    catalog: row,
    schedule: plan,
    scheduled: isScheduled(row.status) && !row.gated && row.tier !== 'frozen',
    timed,
    reinitialize: row.reinitialize,
    rhythm: rhythmOf(plan, timed),
  }
}

function firstAt(rhythm: Rhythm | null, ageMs: number | null, now: number, clock: Clock): number {
  if (rhythm === null || ageMs === null) return now
  return firstTurn(rhythm, ageMs, now, clock.origin()) + clock.random() * Math.min((rhythm.everyMs ?? 0) / 20, 250)
}

/** Its errors were taken away, by `resume` or by somebody's successful refresh: do not wait any longer. */
function forgiven(before: CatalogTable, after: CatalogTable): boolean {
  return before.consecutiveErrors > after.consecutiveErrors
}

/**
 * Time alone makes it due when a source is not captured; and on a schedule also when its query is recomputed as a
 * whole, because the reason for that may be that its answer depends on more than its sources.
 */
function isTimed({ sources, effectiveMode }: CatalogTable, plan: Plan): boolean {
  return sources.some(({ captured }) => !captured) || (effectiveMode === 'full' && plan.kind === 'rhythm')
}

function rhythmOf(plan: Plan, timed: boolean): Rhythm | null {
  switch (plan.kind) {
    case 'manual':
      return null
    case 'live':
      return timed ? LIVE_TIMED : null
    case 'rhythm':
      return { everyMs: plan.everyMs, crons: plan.crons }
  }
}

export function skipToNextTurn(table: RosterTable, now: number, origin: number): void {
  if (table.rhythm !== null) table.nextAt = nextTurn(table.rhythm, table.nextAt, now, origin)
}
