import {
  CHANGES_SCHEMA,
  displayName,
  isFreshetError,
  literal,
  parseSchedule,
  type Queryable,
  type Schedule,
  sql,
  type Tier,
} from '@freshet/core'
import type { Status } from './lifecycle.ts'

/** What the coordinator knows of a stream table; read again whenever something may have changed. */
export interface CatalogTable {
  readonly id: number
  /** `schema.table`, quoted where needed. */
  readonly name: string
  /** A schedule that this version can not read counts as manual, and `scheduleError` says so. */
  readonly schedule: Schedule
  readonly scheduleError: string | null
  /** A change is to be visible within so many milliseconds; null: no objective. */
  readonly slaMs: number | null
  readonly tier: Tier
  /** The number of those that it is refreshed with; null: alone. */
  readonly unit: number | null
  readonly effectiveMode: 'differential' | 'full' | 'immediate'
  readonly status: Status
  readonly reinitialize: boolean
  /** The capture of a source is paused on purpose: until that ends, it can not follow. */
  readonly gated: boolean
  readonly consecutiveErrors: number
  /** Since the last refresh that changed something, by the server's clock; null when there was none. */
  readonly ageMs: number | null
  readonly sources: readonly CatalogSource[]
  /** Its stable name, where others read what it emits. */
  readonly output: string | null
}

export interface CatalogSource {
  readonly stableName: string
  /** The stream table that it is, if it is one. */
  readonly streamTable: number | null
  /** A source that is not recorded (yet) counts as captured, without a buffer. */
  readonly captured: boolean
  /** Its change buffer exists; without one, whoever reads the source has to find out what happened. */
  readonly buffered: boolean
}

interface Row {
  readonly id: number
  readonly schema: string
  readonly table: string
  readonly schedule: string
  readonly slaMs: number | null
  readonly tier: Tier
  readonly unit: number | null
  readonly effectiveMode: 'differential' | 'full' | 'immediate'
  readonly status: Status
  readonly reinitialize: boolean
  readonly gated: boolean
  readonly consecutiveErrors: number
  readonly ageMs: number | null
  readonly sources: readonly CatalogSource[]
  readonly output: string | null
}

const READ = sql`
  select t.stream_table_id as id, t.schema_name as schema, t.table_name as table, t.schedule,
    t.sla_ms::float8 as "slaMs", t.tier, t.unit, t.effective_mode as "effectiveMode", s.status, s.reinitialize is not null as reinitialize,
    exists (select from freshet.gated_stream_table g where g.stream_table_id = t.stream_table_id) as gated,
    s.consecutive_errors as "consecutiveErrors",
    (extract(epoch from clock_timestamp() - s.refreshed_at) * 1000)::float8 as "ageMs",
    coalesce((
      select jsonb_agg(jsonb_build_object(
        'stableName', d.stable_name,
        'streamTable', u.stream_table_id,
        'captured', o.capture is distinct from 'none',
        'buffered', to_regclass(${literal(CHANGES_SCHEMA)} || '.sizes_' || d.stable_name) is not null
      ) order by d.stable_name)
      from freshet.dependency d
        left join freshet.source o on o.stable_name = d.stable_name
        left join freshet.stream_table u on u.stable_name = d.stable_name
      where d.stream_table_id = t.stream_table_id
    ), '[]') as sources,
    case when t.emits_changes then t.stable_name end as output
  from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
  order by t.stream_table_id`

export async function readCatalog(database: Queryable): Promise<CatalogTable[]> {
  const rows = await database.query<Row>(READ, { prepared: true })
  return rows.map(({ schema: schemaName, table, schedule, ...row }) => ({
    ...row,
    ...readSchedule(schedule),
    name: displayName({ schema: schemaName, table }),
  }))
}

function readSchedule(text: string): Pick<CatalogTable, 'schedule' | 'scheduleError'> {
  try {
    return { schedule: parseSchedule(text), scheduleError: null }
  } catch (error) {
    if (!isFreshetError(error, 'INVALID_SCHEDULE')) throw error
    return { schedule: { kind: 'manual' }, scheduleError: error.message }
  }
}
