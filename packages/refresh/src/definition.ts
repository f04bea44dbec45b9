import { catalog, displayName, FreshetError, identifier, parseName, type Queryable, rows, sql } from '@freshet/core'
import { type Compiled, REASONS } from '@freshet/dvm'

/** How a stream table was asked to be refreshed. `immediate`: kept in the transactions of those who write to its sources. */
export type Mode = 'auto' | 'differential' | 'full' | 'immediate'

/** A stream table as the catalog has it: its definition, its compiled plan, and where its frontier stands. */
export interface Definition {
  readonly id: number
  readonly schema: string
  readonly table: string
  readonly stableName: string
  readonly query: string
  readonly definition: string
  readonly mode: Mode
  readonly schedule: string
  /** How many change rows may wait for a refresh that nobody asked for; null: any number. */
  readonly fuse: number | null
  /** Somebody resumed it since the last refresh: the next one is not measured by the fuse. */
  readonly fuseLifted: boolean
  readonly plan: StoredPlan
  readonly settings: Readonly<Record<string, string>>
  readonly emits: boolean
  /** The group it was put into, and the number of those that it is refreshed with; null: alone. */
  readonly atomic: string | null
  readonly unit: number | null
  readonly version: string
  readonly status: 'initializing' | 'active' | 'paused' | 'suspended'
  readonly reinitialize: string | null
  /** Its last refresh brought the answer alone to the present: what deltas are computed with is behind. */
  readonly stateBehind: boolean
  /** The frontier's snapshot for each source of the plan, in the plan's order; null while there is none. */
  readonly snapshots: readonly (string | null)[]
  /** Stable names of the sources that are not on this server alone, but placed by Citus. */
  readonly placed: readonly string[]
  /** Stable names of its sources, where its refreshes run on the workers: it reads a queue of each there. */
  readonly pushed: readonly string[]
}

/** What the compiler made, with what a refresh must know besides. */
export interface StoredPlan extends Compiled {
  readonly compiler: number
  /** Captured sources do not tell when the answer changes: the query reads the clock, or a source that is not captured. */
  readonly alwaysDue: boolean
  /** Citus has placed a source of it. */
  readonly placed?: boolean
  /** Where its own rows are, unless they are on this server. */
  readonly output?: OutputPlacement
  /** Of a query over shards: the sources of which every node has a copy, and which are read from the coordinator’s. */
  readonly copies?: readonly CopiedSource[]
}

/** The same rows on every node, or on the workers by a column of its key, `beside` a source; see `citus/output.ts`. */
export type OutputPlacement =
  | { readonly kind: 'reference' }
  | { readonly kind: 'distributed'; readonly column: string; readonly beside?: TableName }

interface TableName {
  readonly schema: string
  readonly table: string
}

export interface CopiedSource {
  readonly schema: string
  readonly table: string
  readonly stableName: string
  readonly columns: readonly string[]
}

/** What it reads, or its own rows, are on other nodes: it is refreshed by steps, in a transaction. */
export function spansNodes({ placed, plan }: Pick<Definition, 'placed' | 'plan'>): boolean {
  return placed.length > 0 || plan.output !== undefined
}

/** How the catalog tells the mode: what a table asked for, what it gets by its plan, and why not more. */
export interface KeptMode {
  readonly effective: 'differential' | 'full' | 'immediate'
  readonly reason: string | null
  readonly detail: string | null
}

export function keptMode({ effectiveMode, refusal }: StoredPlan, mode: Mode): KeptMode {
  if (mode === 'immediate') return { effective: mode, reason: null, detail: null }
  const requested = mode === 'full' ? { code: 'REQUESTED', detail: REASONS.REQUESTED } : null
  const reason = refusal ?? requested
  return {
    effective: mode === 'full' ? mode : effectiveMode,
    reason: reason?.code ?? null,
    detail: reason?.detail ?? null,
  }
}

/** Raised when stored plans of older versions can not be run any more, or must not be: what they made is made anew. */
export const COMPILER_VERSION = 7

const definitions = catalog
  .selectFrom('stream_table as t')
  .innerJoin('stream_table_state as s', 's.stream_table_id', 't.stream_table_id')
  .select((e) => [
    e
      .selectFrom('dependency as d')
      .innerJoin('source as o', 'o.stable_name', 'd.stable_name')
      .whereRef('d.stream_table_id', '=', 't.stream_table_id')
      .where('o.placed', 'is not', null)
      .select((o) => o.fn.agg<readonly string[]>('array_agg', ['o.stable_name']).as('names'))
      .as('placed'),
    e
      .selectFrom('shard_queue_reader as q')
      .whereRef('q.stream_table_id', '=', 't.stream_table_id')
      .select((q) => q.fn.agg<readonly string[]>('array_agg', ['q.stable_name']).as('names'))
      .as('pushed'),
    't.stream_table_id as id',
    't.schema_name as schema',
    't.table_name as table',
    't.stable_name as stableName',
    't.query',
    't.definition',
    't.mode',
    't.schedule',
    't.fuse',
    's.fuse_lifted as lifted',
    't.plan',
    't.session_settings as settings',
    't.emits_changes as emits',
    't.atomic',
    't.unit',
    's.version',
    's.status',
    's.reinitialize',
    's.state_behind as stateBehind',
    's.frontier',
  ])

export async function loadDefinition(queryable: Queryable, id: number): Promise<Definition> {
  const [row] = await rows(queryable, definitions.where('t.stream_table_id', '=', id))
  if (row === undefined) throw new FreshetError('UNKNOWN_STREAM_TABLE', `there is no stream table ${id} any more`)
  return fromRow(row)
}

export async function findDefinition(queryable: Queryable, name: string): Promise<Definition> {
  return loadDefinition(queryable, await findStreamTable(queryable, name))
}

/**
 * The id behind a name; one without a schema is looked for along the search path first. A table that somebody renamed or
 * moved is found by its new name at once, and by the old one until a refresh has noticed.
 */
export async function findStreamTable(queryable: Queryable, name: string): Promise<number> {
  const parsed = parseName(name)
  const named = catalog
    .selectFrom('stream_table')
    .select(['stream_table_id as id', 'schema_name as schema'])
    .where('table_name', '=', parsed.table)
  const wanted = parsed.schema === null ? named.orderBy('schema_name') : named.where('schema_name', '=', parsed.schema)
  const found = await rows(queryable, wanted, { prepared: true })
  const [path] =
    found.length > 1
      ? await queryable.query<{ schemas: string[] }>(sql`select current_schemas(false)::text[] as schemas`)
      : []
  const row = path?.schemas.flatMap((schema) => found.filter((candidate) => candidate.schema === schema))[0] ?? found[0]
  if (row !== undefined) return row.id
  const relation = parsed.schema === null ? identifier(parsed.table) : identifier(parsed.schema, parsed.table)
  const [renamed] = await queryable.query<{ id: number }>(sql`
    select stream_table_id as id from freshet.stream_table where relation = to_regclass(${relation.text})`)
  if (renamed !== undefined) return renamed.id
  const shown = parsed.schema === null ? name : displayName({ schema: parsed.schema, table: parsed.table })
  throw new FreshetError('UNKNOWN_STREAM_TABLE', `there is no stream table ${shown}`)
}

/** Without their shadows. */
export async function listDefinitions(queryable: Queryable): Promise<readonly Definition[]> {
  const live = definitions
    .leftJoin('shadow_build as b', 'b.shadow_id', 't.stream_table_id')
    .where('b.shadow_id', 'is', null)
  const found = await rows(queryable, live.orderBy('t.schema_name').orderBy('t.table_name'))
  return found.map(fromRow)
}

type DefinitionRow = Awaited<ReturnType<typeof definitions.executeTakeFirstOrThrow>>

function fromRow({ frontier, plan, fuse, lifted, placed, pushed, ...row }: DefinitionRow): Definition {
  // The plan is what this package stored; a plan of another compiler is compiled again before it is run.
  const stored = plan as StoredPlan
  const snapshots = stored.sources.map((source) => {
    const position = frontier[source.stableName]?.['0']
    return position?.kind === 'snapshot' ? position.snapshot : null
  })
  return {
    ...row,
    fuse: fuse === null ? null : Number(fuse),
    fuseLifted: lifted === row.version,
    plan: stored,
    snapshots,
    placed: placed ?? [],
    pushed: pushed ?? [],
  }
}

/** What its table is called now: somebody may have renamed it, or moved it. Undefined when it was dropped. */
export async function currentName(
  queryable: Queryable,
  { id }: Pick<Definition, 'id'>,
): Promise<{ readonly schema: string; readonly table: string } | undefined> {
  const [current] = await queryable.query<{ schema: string; table: string }>(sql`
    select n.nspname as schema, c.relname as table
    from freshet.stream_table t
    join pg_catalog.pg_class c on c.oid = t.relation
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where t.stream_table_id = ${id}`)
  return current
}

export function nameOf(definition: { readonly schema: string; readonly table: string }): string {
  return displayName(definition)
}
