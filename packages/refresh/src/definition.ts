import { displayName, FreshetError, parseName, type Queryable, sql } from '@freshet/core'
import type { Compiled } from '@freshet/dvm'

/** A stream table as the catalog has it: its definition, its compiled plan, and where its frontier stands. */
export interface Definition {
  readonly id: number
  readonly schema: string
  readonly table: string
  readonly stableName: string
  readonly query: string
  readonly definition: string
  readonly mode: 'auto' | 'differential' | 'full'
  readonly schedule: string
  readonly plan: StoredPlan
  readonly settings: Readonly<Record<string, string>>
  readonly emits: boolean
  readonly version: string
  readonly status: 'initializing' | 'active' | 'paused' | 'suspended'
  readonly reinitialize: string | null
  /** The frontier's snapshot for each source of the plan, in the plan's order; null while there is none. */
  readonly snapshots: readonly (string | null)[]
}

/** What the compiler made, with what a refresh must know besides. */
export interface StoredPlan extends Compiled {
  readonly compiler: number
  /** Captured sources do not tell when the answer changes: the query reads the clock, or a source that is not captured. */
  readonly alwaysDue: boolean
}

/** Raised when stored plans of older versions can not be run any more. */
export const COMPILER_VERSION = 1

interface DefinitionRow extends Omit<Definition, 'snapshots'> {
  readonly frontier: Readonly<Record<string, Readonly<Record<string, { readonly snapshot?: string }>>>>
}

const COLUMNS = sql`
  t.stream_table_id as id, t.schema_name as schema, t.table_name as table, t.stable_name as "stableName", t.query,
  t.definition, t.mode, t.schedule, t.plan, t.session_settings as settings, t.emits_changes as emits,
  s.version::text as version, s.status, s.reinitialize, s.frontier
  from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)`

export async function loadDefinition(queryable: Queryable, id: number): Promise<Definition> {
  const [row] = await queryable.query<DefinitionRow>(sql`select ${COLUMNS} where t.stream_table_id = ${id}`)
  if (row === undefined) throw new FreshetError('UNKNOWN_STREAM_TABLE', `there is no stream table ${id} any more`)
  return fromRow(row)
}

export async function findDefinition(queryable: Queryable, name: string): Promise<Definition> {
  const parsed = parseName(name)
  const [row] = await queryable.query<DefinitionRow>(sql`
    select ${COLUMNS}
    where t.table_name = ${parsed.table} and t.schema_name = coalesce(${parsed.schema}::text, (
      select f.schema_name from freshet.stream_table f
      where f.table_name = ${parsed.table}
      order by array_position(current_schemas(false)::text[], f.schema_name) nulls last, f.schema_name limit 1
    ))`)
  if (row === undefined) {
    const shown = parsed.schema === null ? name : displayName({ schema: parsed.schema, table: parsed.table })
    throw new FreshetError('UNKNOWN_STREAM_TABLE', `there is no stream table ${shown}`)
  }
  return fromRow(row)
}

export async function listDefinitions(queryable: Queryable): Promise<readonly Definition[]> {
  const rows = await queryable.query<DefinitionRow>(sql`select ${COLUMNS} order by t.schema_name, t.table_name`)
  return rows.map(fromRow)
}

function fromRow({ frontier, ...row }: DefinitionRow): Definition {
  return { ...row, snapshots: row.plan.sources.map((source) => frontier[source.stableName]?.['0']?.snapshot ?? null) }
}

export function nameOf(definition: { readonly schema: string; readonly table: string }): string {
  return displayName(definition)
}
