import type { DependencyGraph } from './graph.ts'
import type { Plan } from './rhythm.ts'
import type { Units } from './units.ts'

/**
 * What to do now: graph, clock and waiting changes in, work out. Pure.
 *
 * Laws:
 *
 * D1  A table is never started while it runs, while it is not scheduled, or before its `notBefore`.
 * D2  A manual table is never started.
 * D3  A live table is due while changes wait; one with a rhythm is due when its time has come and changes wait.
 * D4  A table that no buffer can speak for (a source is not captured, or the answer depends on more than its sources)
 *     is due whenever its time has come.
 * D5  Upstream first: a table waits while anything upstream of it runs or is due, and so reads it once, afterwards.
 *     A table upstream that merely *has* changes but is not due (paused, backed off, on a slower schedule) blocks nobody.
 * D6  Who is nearest to its deadline comes first. Its deadline is as long after the last moment at which it was fresh as
 *     its objective says, or its readers'; who has none has a minute. So a table that is always due starves nobody. An
 *     attempt that led to nothing counts as such a moment: nobody stands in the way of the others by failing.
 * D7  A unit is due when a member is, and started when all of them may be: what one waits for, all wait for.
 */
export interface DueTable {
  readonly id: number
  readonly schedule: Plan
  /** Its status lets the scheduler refresh it. */
  readonly scheduled: boolean
  /** The buffers do not tell whether it is stale: time alone makes it due. */
  readonly timed: boolean
  /** Only a full refresh can make it right again: as good as a waiting change. */
  readonly reinitialize: boolean
  /** The moment at which the schedule asks for it again; no meaning for a live table that is not timed. */
  readonly nextAt: number
  /** Back-off, rest after a long refresh, a lock that another scheduler holds. */
  readonly notBefore: number
  /** The shortest of its objective and those of what reads it, in milliseconds; +∞ where there is none. */
  readonly within: number
  /** The last moment at which the table was known to have seen every change. */
  readonly freshAt: number
  /** Its last refresh here took next to nothing. */
  readonly quick: boolean
  /** When its last refresh was started here; −∞ at first. */
  readonly lastStartAt: number
}

export interface DueInput {
  readonly now: number
  readonly graph: DependencyGraph
  readonly units: Units
  readonly tables: ReadonlyMap<number, DueTable>
  /** Tables with changes that their frontier has not seen. */
  readonly pending: ReadonlySet<number>
  readonly running: ReadonlySet<number>
}

/** Whether the clock lets the table be refreshed now, were there something to do. */
function isTime(table: DueTable, now: number): boolean {
  return table.scheduled && now >= wakesAt(table)
}

/** The moment from which the clock lets it be refreshed; +∞ for a manual table. */
function wakesAt(table: DueTable): number {
  switch (table.schedule.kind) {
    case 'manual':
      return Infinity
    case 'live':
      return table.timed ? Math.max(table.notBefore, table.nextAt) : table.notBefore
    case 'rhythm':
      return Math.max(table.notBefore, table.nextAt)
  }
}

/**
 * Something upstream of the table is running, or has changes and is to be refreshed soon: its turn is not over, though
 * no change waits for it yet.
 */
export function isAwaiting(id: number, { now, graph, tables, pending, running }: DueInput): boolean {
  for (const above of graph.upstream(id)) {
    if (running.has(above)) return true
    const table = tables.get(above)
    if (!pending.has(above) || table === undefined || !table.scheduled) continue
    if (table.schedule.kind === 'live' || (table.schedule.kind === 'rhythm' && now >= table.nextAt)) return true
  }
  return false
}

/** The tables whose buffers are worth asking about now. */
export function toPoll(tables: Iterable<DueTable>, now: number): number[] {
  const ids: number[] = []
  for (const table of tables) if (isTime(table, now)) ids.push(table.id)
  return ids
}

/** The deadline of those without an objective: they wait for those that have one, but not for ever. */
const UNHURRIED_MS = 60_000

/** The moment by which it should have been refreshed (D6). */
function deadlineOf({ within, freshAt, lastStartAt }: DueTable): number {
  return Math.max(freshAt, lastStartAt) + Math.min(within, UNHURRIED_MS)
}

/**
 * The tables to start now, the one that is nearest to its deadline first (D6). Of a unit it names the member that made it
 * due; where a change did, that one rather than one that only the clock wants.
 */
export function toStart(input: DueInput): number[] {
  const { graph, units, tables, running } = input
  const blocking = new Set(running)
  const starts: { readonly lead: number; readonly deadline: number }[] = []
  for (const unit of units) {
    const members = unit.flatMap((id) => tables.get(id) ?? [])
    const due = members.filter((table) => isDue(table, input))
    const [lead] = due.filter(({ timed, reinitialize }) => !timed && !reinitialize).concat(due)
    if (
      lead === undefined ||
      members.some(({ id }) => running.has(id)) ||
      !members.every((table) => mayStart(table, input))
    )
      continue
    // upstream units come earlier in the order, so all that are due are known by now
    const above = unit.some((id) => intersects(graph.upstream(id), blocking))
    if (!above) starts.push({ lead: lead.id, deadline: Math.min(...due.map(deadlineOf)) })
    for (const id of unit) blocking.add(id)
  }
  return starts.sort((a, b) => a.deadline - b.deadline).map(({ lead }) => lead)
}

/** Whether it would be started, did nothing stand in its way. */
export function isDue(table: DueTable, { now, pending }: DueInput): boolean {
  return isTime(table, now) && (table.timed || table.reinitialize || pending.has(table.id))
}

/** It may go along, were another member of its unit due. */
function mayStart({ scheduled, notBefore }: DueTable, { now }: DueInput): boolean {
  return scheduled && now >= notBefore
}

/** The next moment at which the clock alone changes the answer; +∞ when only a change can. */
export function nextWake(tables: Iterable<DueTable>, now: number): number {
  let next = Infinity
  for (const table of tables) {
    const at = table.scheduled ? wakesAt(table) : Infinity
    if (at > now && at < next) next = at
  }
  return next
}

function intersects(a: ReadonlySet<number>, b: ReadonlySet<number>): boolean {
  for (const item of a) if (b.has(item)) return true
  return false
}
