import { type Cron, nextFiring, printCron, type Schedule, type Tier } from '@freshet/core'
import type { CatalogTable } from './catalog.ts'
import type { DependencyGraph } from './graph.ts'

/**
 * The moments at which the clock asks for a table: every so often, and at the firings of cron patterns. Moments are
 * those of the loop's clock; `origin` is its zero in milliseconds since 1970.
 */
export interface Rhythm {
  readonly everyMs: number | null
  readonly crons: readonly Cron[]
}

/** A schedule without `calculated`: that is what its dependants make of it. */
export type Plan = { readonly kind: 'live' } | { readonly kind: 'manual' } | ({ readonly kind: 'rhythm' } & Rhythm)

/**
 * What each table is refreshed by. One that is calculated is live where a dependant is, else has the beats of all its
 * dependants, the shortest duration standing for the others; without dependants, or where all are manual, it is manual.
 * Its tier stretches what came of it; frozen, it is manual.
 */
export function plansOf(tables: readonly CatalogTable[], graph: DependencyGraph): ReadonlyMap<number, Plan> {
  const byId = new Map(tables.map((table) => [table.id, table]))
  const plans = new Map<number, Plan>()
  for (const id of [...graph.order].reverse()) {
    const dependants = graph.readers(id).map((reader) => plans.get(reader) ?? MANUAL)
    const table = byId.get(id)
    plans.set(id, table === undefined ? MANUAL : stretched(planOf(table.schedule, dependants), table.tier))
  }
  return plans
}

const MANUAL = { kind: 'manual' } as const

function planOf(schedule: Schedule, dependants: readonly Plan[]): Plan {
  switch (schedule.kind) {
    case 'live':
    case 'manual':
      return { kind: schedule.kind }
    case 'every':
      return { kind: 'rhythm', everyMs: schedule.ms, crons: [] }
    case 'cron':
      return { kind: 'rhythm', everyMs: null, crons: [schedule.cron] }
    case 'calculated':
      return tightest(dependants)
  }
}

/** How many times its schedule a table of the tier waits. */
const STRETCH = { hot: 1, warm: 2, cold: 10 } as const

/** What `live` becomes: it has no time that could be stretched. */
const LIVE_EVERY_MS = { warm: 1_000, cold: 10_000 } as const

/** The firings of a cron pattern stay: they are moments that somebody chose. */
function stretched(plan: Plan, tier: Tier): Plan {
  if (tier === 'frozen') return MANUAL
  if (tier === 'hot' || plan.kind === 'manual') return plan
  if (plan.kind === 'live') return { kind: 'rhythm', everyMs: LIVE_EVERY_MS[tier], crons: [] }
  return { ...plan, everyMs: plan.everyMs === null ? null : plan.everyMs * STRETCH[tier] }
}

function tightest(plans: readonly Plan[]): Plan {
  if (plans.some(({ kind }) => kind === 'live')) return { kind: 'live' }
  const rhythms = plans.flatMap((plan) => (plan.kind === 'rhythm' ? [plan] : []))
  if (rhythms.length === 0) return MANUAL
  const durations = rhythms.flatMap(({ everyMs }) => everyMs ?? [])
  const crons = new Map(rhythms.flatMap((rhythm) => rhythm.crons.map((cron) => [printCron(cron), cron])))
  return {
    kind: 'rhythm',
    everyMs: durations.length === 0 ? null : Math.min(...durations),
    crons: [...crons].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cron]) => cron),
  }
}

/** A clock may be a little ahead of another, or of itself a moment ago: within this time it is the same firing. */
const SAME_FIRING_MS = 1_000

/** The next moment after `now`; `planned` as long as that lies ahead. */
export function nextTurn({ everyMs, crons }: Rhythm, planned: number, now: number, origin: number): number {
  if (planned > now) return planned
  const beat = everyMs === null ? Infinity : nextBeat(planned, everyMs, now)
  return Math.min(beat, ...crons.map((cron) => firingAfter(cron, now + SAME_FIRING_MS, origin)))
}

/** The first one, for a table that was refreshed `ageMs` ago: go on in the rhythm that this set, and make up for a firing. */
export function firstTurn({ everyMs, crons }: Rhythm, ageMs: number, now: number, origin: number): number {
  const beat = everyMs === null ? Infinity : now + Math.max(everyMs - ageMs, 0)
  return Math.min(beat, ...crons.map((cron) => Math.max(firingAfter(cron, now - ageMs, origin), now)))
}

/** Whether a refresh of that age is the one that the rhythm asks for now. */
export function wasItsTurn({ everyMs, crons }: Rhythm, ageMs: number, now: number, origin: number): boolean {
  const beatDone = everyMs === null || ageMs < everyMs
  return beatDone && crons.every((cron) => firingAfter(cron, now - ageMs + SAME_FIRING_MS, origin) > now)
}

/**
 * The next multiple of the interval after `now`, counted from the last planned moment: refreshes keep their rhythm
 * however long each takes, and what was missed is not made up for.
 */
export function nextBeat(plannedAt: number, everyMs: number, now: number): number {
  if (plannedAt > now) return plannedAt
  return plannedAt + everyMs * (Math.floor((now - plannedAt) / everyMs) + 1)
}

function firingAfter(cron: Cron, moment: number, origin: number): number {
  const firing = nextFiring(cron, moment + origin)
  return firing === null ? Infinity : firing - origin
}
