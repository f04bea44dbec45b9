import { CHANGES_SCHEMA, type Database, displayName, parseName, type Queryable, readSettings, sql } from '@freshet/core'
import {
  compileImmediate,
  explainDot,
  explainPlan,
  explainText,
  refreshCompiler,
  type Compiled,
  type CompiledTable,
  type ExplainedNode,
  type MissingIndex,
} from '@freshet/dvm'
import { readShardSizes } from './citus/shard-rows.ts'
import { makePlan } from './create.ts'
import { findDefinition, nameOf, type Definition } from './definition.ts'
import { ownNotes } from './immediate/trigger-functions.ts'
import { findMissingIndexes } from './indexes.ts'
import { hintOf } from './refresh-reasons.ts'
import { type Resolved, resolveQuery } from './resolve/resolve.ts'
import { describeStreamTables, type Description } from './status.ts'

export type { ExplainedNode as PlanNode, MissingIndex } from '@freshet/dvm'

/** What would run, and why; for a stream table, or for a query that is none yet. Changes nothing. */
export interface Explanation {
  readonly name: string | null
  /** What was asked for; `auto` for a query that is no stream table yet. */
  readonly mode: Definition['mode']
  readonly effectiveMode: 'differential' | 'full' | 'immediate'
  /** Why it is not maintained differentially: what was met, and what to do about it; null when it is. */
  readonly reason: { readonly code: string; readonly detail: string; readonly hint: string } | null
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  /** The plan as indented text, one operator a line with its law. */
  readonly plan: string
  /** The plan as a tree, for json. */
  readonly tree: ExplainedNode
  /** Graphviz text. */
  readonly dot: string
  /** The tables that are kept, inner ones first; the last one is the stream table. */
  readonly stages: readonly ExplainedStage[]
  /** How the stream table stands; null for a query that is none yet. */
  readonly state: Pick<Description, 'status' | 'statusReason' | 'refreshedAt' | 'decision'> | null
  /** Why the next refresh is a full one whatever the mode; null when it need not be. */
  readonly nextFull: { readonly code: string; readonly hint: string | null } | null
  /** Indexes on sources without which a delta reads whole tables. */
  readonly missingIndexes: readonly MissingIndex[]
  /** Every statement that a refresh may run, by name. */
  readonly statements: Readonly<Record<string, string>>
}

export interface ExplainedStage {
  /** `schema.table`, quoted where needed. */
  readonly table: string
  readonly columns: readonly string[]
  /** By the server's statistics, and with indexes; null before it exists. */
  readonly rows: number | null
  readonly bytes: number | null
}

export async function explain(
  database: Database,
  subject: { readonly name: string } | { readonly query: string },
): Promise<Explanation> {
  const definition = 'name' in subject ? await findDefinition(database, subject.name) : null
  const query = definition?.query ?? ('query' in subject ? subject.query : '')
  const resolved = await resolveQuery(database, definition?.definition ?? query)
  const target = definition ?? { schema: 'public', table: parseName('stream_table').table, stableName: '0'.repeat(16) }
  const compiled = definition?.plan ?? (await makePlan(database, resolved, target, 'auto', {}))
  const refusal = compiled.refusal
  const mode = definition?.mode ?? 'auto'
  const tree = explainPlan({ ...resolved.planned, unsupported: refusal })
  const [described] = definition === null ? [] : await describeStreamTables(database, definition.id)
  const whole = mode === 'full' ? { code: 'REQUESTED', detail: 'mode full was asked for' } : null
  const reason = refusal ?? whole
  const effectiveMode = mode === 'full' || mode === 'immediate' ? mode : compiled.effectiveMode
  return {
    name: definition === null ? null : nameOf(definition),
    mode,
    effectiveMode,
    reason: reason && { ...reason, hint: hintOf(reason.code) ?? '' },
    storage: compiled.storage,
    keyColumns: compiled.keyColumns,
    plan: explainText(tree),
    tree,
    dot: explainDot(tree, definition === null ? 'query' : nameOf(definition)),
    stages: await stagesOf(database, compiled.tables, {
      exist: definition !== null,
      spread: definition?.plan.output !== undefined,
    }),
    state: described ? stateOf(described) : null,
    nextFull: await nextFull(database, definition),
    missingIndexes: effectiveMode === 'full' ? [] : await findMissingIndexes(database, compiled.lookups),
    statements: definition?.mode === 'immediate' ? immediateStatementsOf(definition, resolved) : statementsOf(compiled),
  }
}

function stateOf({ status, statusReason, refreshedAt, decision }: Description): Explanation['state'] {
  return { status, statusReason, refreshedAt, decision }
}

async function nextFull(queryable: Queryable, definition: Definition | null): Promise<Explanation['nextFull']> {
  const state = definition?.mode === 'differential' && definition.stateBehind ? 'STATE_BEHIND' : null
  const code =
    definition?.reinitialize ?? state ?? ((await readSettings(queryable)).force_full_refresh ? 'FORCED' : null)
  return code === null ? null : { code, hint: hintOf(code) }
}

async function stagesOf(
  queryable: Queryable,
  tables: readonly CompiledTable[],
  { exist, spread }: { readonly exist: boolean; readonly spread: boolean },
): Promise<readonly ExplainedStage[]> {
  const names = tables.map((table) => displayName(table))
  const sizes = exist
    ? await queryable.query<{ name: string; oid: number; rows: number; bytes: number }>(sql`
        select w.name, c.oid::int8::float8 as oid, greatest(c.reltuples, 0)::float8 as rows,
          pg_catalog.pg_total_relation_size(c.oid)::float8 as bytes
        from unnest(${names}::text[]) w(name) join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(w.name)`)
    : []
  const placed = await readShardSizes(queryable, spread ? sizes.map(({ oid }) => oid) : [])
  const known = new Map(sizes.map((size) => [size.name, placed.get(size.oid) ?? size]))
  return tables.map(({ visibleColumns }, i) => {
    const name = names[i] ?? ''
    const size = known.get(name)
    return { table: name, columns: visibleColumns, rows: size?.rows ?? null, bytes: size?.bytes ?? null }
  })
}

function statementsOf(compiled: Compiled): Record<string, string> {
  return Object.fromEntries([...refreshesOf(compiled), ...wholesOf(compiled)])
}

/** What the triggers run in the transactions of those who write. */
function immediateStatementsOf(definition: Definition, { facts, planned, types }: Resolved): Record<string, string> {
  const target = { ...definition, stageSchema: CHANGES_SCHEMA }
  const { small, ofOne, large, sources } = compileImmediate(facts, planned, types, target, ownNotes(definition.id))
  const of = sources.map((source) => `apply where only ${displayName(source)} has changed`)
  return Object.fromEntries([
    ['apply', small.plain],
    ...ofOne.map((statement, i) => [of[i] ?? '', statement.plain] as const),
    ['apply many changes', large.plain],
    ...wholesOf(definition.plan),
  ])
}

function wholesOf({ tables, answer }: Compiled): (readonly [string, string])[] {
  const wholes = tables.flatMap((table) => [
    [`create ${table.schema}.${table.table}`, table.create] as const,
    [`fill ${table.schema}.${table.table}`, table.fill] as const,
    [`full ${table.schema}.${table.table}`, table.replace.once.quiet] as const,
  ])
  return answer === undefined ? wholes : [...wholes, ['full, the answer alone', answer.once.quiet]]
}

function refreshesOf({ refresh, sources }: Compiled): (readonly [string, string])[] {
  if (refresh === null) return []
  const compiler = refreshCompiler(refresh)
  const changed = new Set(sources.map((source) => source.stableName))
  return [
    ['refresh', compiler.statement({ changed, extent: 'few', emits: false })],
    ['refresh of many changes', compiler.statement({ changed, extent: 'many', emits: false })],
    ['refresh of many changes of few rows', compiler.statement({ changed, extent: 'churned', emits: false })],
  ]
}
