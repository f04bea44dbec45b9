import { type Queryable, sql, type Tier } from '@freshet/core'

/** How well a stream table kept its objective; see `freshet.sla_summary` in the catalog. */
export interface SlaSummary {
  readonly name: string
  /** A change is to be visible within so many milliseconds; null: no objective. */
  readonly slaMs: number | null
  readonly tier: Tier
  readonly schedule: string
  /** Refreshes of schedulers that found changes. */
  readonly refreshes: number
  /** Of those made under an objective, the share that met it; null where there were none. */
  readonly shareMet: number | null
  /** How long changes had waited when a refresh ended, at most: half of the refreshes, 95 and 99 in a hundred. */
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  /** Of the refreshes that may be late, the share that is left; below zero when more were. */
  readonly budgetLeft: number | null
  /** What to do, where the objective was missed more often than the target permits. */
  readonly recommendation: string | null
}

export interface SlaWindow {
  /** Default a week. */
  readonly lookbackMs?: number
  /** The share of refreshes that are to be in time. Default 0.99. */
  readonly target?: number
}

const WEEK_MS = 7 * 86_400_000

export async function slaSummary(
  queryable: Queryable,
  { lookbackMs = WEEK_MS, target = 0.99 }: SlaWindow = {},
): Promise<readonly SlaSummary[]> {
  return queryable.query<SlaSummary>(sql`
    select name, (extract(epoch from sla) * 1000)::float8 as "slaMs", tier, schedule, refreshes::float8 as refreshes,
      share_met as "shareMet", (extract(epoch from p50) * 1000)::float8 as "p50Ms",
      (extract(epoch from p95) * 1000)::float8 as "p95Ms", (extract(epoch from p99) * 1000)::float8 as "p99Ms",
      budget_left as "budgetLeft", recommendation
    from freshet.sla_summary(${lookbackMs}::float8 * interval '1 millisecond', ${target}::float8)`)
}
