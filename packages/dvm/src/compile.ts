import { quoteLiteral } from '@freshet/core'

import { Differentiator } from './delta/differentiate.ts'
import { FROM_SOURCES, readPlan, type StageReader } from './delta/readings.ts'
import type { QueryFacts, TypeFacts } from './facts.ts'
import { statefulOf, wholeQuery, type Planned, type Refusal } from './plan-query.ts'
import { passThrough, scansOf, type Stateful } from './plan/plan.ts'
import { Chain, indent, q, select } from './print/text.ts'
import { AggregateStage } from './stage/aggregate-stage.ts'
import { apply, emitted, type Applied } from './stage/apply.ts'
import { OutputStage } from './stage/output-stage.ts'
import { PartitionStage } from './stage/partition-stage.ts'
import { replace } from './stage/replace.ts'
import type { StageDelta, TypeOf } from './stage/stage.ts'
import { createTable, tableName, type StateTable } from './stage/state-table.ts'
import { Unsupported } from './unsupported.ts'

/**
 * The second half of the compiler: stages → differentiate → print. One statement refreshes everything: it locks the
 * stream table's state row if its version is still the expected one, reads the windows of the change buffers,
 * computes and applies the delta of every stage, and advances the frontier, all at one snapshot.
 *
 * Parameters of a refresh: $1 stream table, $2 expected version, $3 who asked, $4… each source's frontier snapshot.
 */
export interface Target {
  readonly schema: string
  readonly table: string
  readonly stableName: string
  /** Where inner stages live. */
  readonly stageSchema: string
}

export interface CompileOptions {
  /** The most change rows of one source that the statement for small deltas takes. */
  readonly smallDeltaRows: number
}

export interface Compiled {
  readonly effectiveMode: 'differential' | 'full'
  readonly refusal: Refusal | null
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  readonly sources: readonly CompiledSource[]
  /** State tables in the order in which they are filled; the stream table is the last. */
  readonly tables: readonly CompiledTable[]
  readonly refresh: RefreshStatements | null
}

export interface CompiledSource {
  readonly oid: number
  readonly stableName: string
  readonly schema: string
  readonly table: string
  readonly columns: readonly string[]
  /** Of the columns whose collation is not the database's default. */
  readonly collations: Readonly<Record<string, string>>
  /** Name and type of these columns, as the catalog had them. */
  readonly shape: readonly { readonly name: string; readonly typeOid: number; readonly modifier: number }[]
}

export interface CompiledTable {
  readonly schema: string
  readonly table: string
  readonly create: string
  /** Columns that get an index of their own. */
  readonly indexes: readonly string[]
  /** INSERT of the whole content into the empty table. */
  readonly fill: string
  /** Recomputes, and applies only the difference. */
  readonly replace: string
  /** The same, and writes the output delta to the change buffer; only of the stream table itself. */
  readonly replaceEmitting: string | null
  readonly visibleColumns: readonly string[]
}

/** `small` refuses more than `smallDeltaRows` change rows of a source, and so is planned for few; `large` takes any number. */
export interface RefreshStatements {
  readonly small: string
  readonly large: string
  readonly smallEmitting: string
  readonly largeEmitting: string
}

type KeyedStage = AggregateStage | PartitionStage
type AnyStage = KeyedStage | OutputStage

interface Stages {
  readonly inner: ReadonlyMap<Stateful, KeyedStage>
  readonly order: readonly { readonly stage: AnyStage; readonly input: string }[]
  readonly last: AnyStage
}

export function compileQuery(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  options: CompileOptions,
): Compiled {
  try {
    return compilePlan(facts, planned, types, target, options)
  } catch (error) {
    // What only the types tell: a key that has no canonical form, an output that can not be printed.
    if (!(error instanceof Unsupported) || planned.unsupported !== null) throw error
    return compilePlan(facts, wholeQuery(facts, { code: error.reason, detail: error.message }), types, target, options)
  }
}

function compilePlan(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  options: CompileOptions,
): Compiled {
  const typeOf: TypeOf = (column) => {
    const type = types.get(column)
    if (type === undefined) throw new TypeError(`no type is known for the column ${column}`)
    return type
  }
  const itemTypes = facts.columns.map((column) => column.type)
  const stages = buildStages(planned, itemTypes, typeOf, target)
  const sources = sourcesOf(facts, planned)
  const differential = planned.unsupported === null
  const refresh = differential ? refreshStatements(stages, sources, target, options) : null
  const { key } = stages.last.table
  return {
    effectiveMode: differential ? 'differential' : 'full',
    refusal: planned.unsupported,
    storage: key.kind === 'row' ? 'bag' : key.kind === 'single' ? 'single' : 'keyed',
    keyColumns: key.kind === 'columns' ? key.columns.map((column) => column.name) : [],
    sources,
    tables: stages.order.map(({ stage, input }) => compileTable(stage, input, stage === stages.last ? target : null)),
    refresh,
  }
}

function buildStages(planned: Planned, itemTypes: readonly TypeFacts[], typeOf: TypeOf, target: Target): Stages {
  const { query } = planned
  const inner = new Map<Stateful, KeyedStage>()
  for (const node of statefulOf(query.input)) {
    if (node === query.input) continue
    const items = passThrough(node.columns)
    const itemTypes = node.columns.map((column) => typeOf(column.name))
    inner.set(node, keyedStage(node, { items, itemTypes, schema: target.stageSchema, table: `stage_${target.stableName}_${inner.size + 1}`, typeOf }))
  }
  const names = { schema: target.schema, table: target.table }
  const root = query.input
  const stateful = root.kind === 'aggregate' || root.kind === 'partitioned'
  const last = stateful ? keyedStage(root, { items: query.items, itemTypes, ...names, typeOf }) : new OutputStage({ query, itemTypes, ...names })
  const lastInput = stateful ? root.input : root
  const order = [
    ...[...inner].map(([node, stage]) => ({ stage, input: readPlan(node.input, 'after', FROM_SOURCES) })),
    { stage: last, input: readPlan(lastInput, 'after', FROM_SOURCES) },
  ]
  return { inner, order, last }
}

function keyedStage(node: Stateful, rest: Omit<ConstructorParameters<typeof AggregateStage>[0], 'node'>): KeyedStage {
  return node.kind === 'aggregate' ? new AggregateStage({ node, ...rest }) : new PartitionStage({ node, ...rest })
}

function sourcesOf(facts: QueryFacts, planned: Planned): CompiledSource[] {
  const columns = new Map<string, Set<string>>()
  for (const scan of scansOf(planned.query.input)) {
    const known = columns.get(scan.relation.stableName) ?? new Set<string>()
    for (const column of scan.sourceColumns) known.add(column)
    columns.set(scan.relation.stableName, known)
  }
  return [...facts.relations.values()]
    .filter((relation) => relation.kind === 'table' || relation.kind === 'partitioned' || relation.kind === 'stream_table')
    .filter((relation) => planned.unsupported !== null || columns.has(relation.stableName))
    .map((relation): CompiledSource => {
      const used = columns.get(relation.stableName)
      const kept = relation.columns.filter((column) => (used === undefined ? column.used : used.has(column.name)))
      const collations = kept.flatMap(({ name, collation }) => (collation === null ? [] : [[name, collation] as const]))
      return {
        oid: relation.oid,
        stableName: relation.stableName,
        schema: relation.schema,
        table: relation.table,
        columns: kept.map((column) => column.name),
        collations: Object.fromEntries(collations),
        shape: kept.flatMap(({ name, type }) => (type === undefined ? [] : [{ name, typeOid: type.oid, modifier: type.modifier }])),
      }
    })
    .toSorted((a, b) => (a.stableName < b.stableName ? -1 : 1))
}

function compileTable(stage: AnyStage, input: string, target: Target | null): CompiledTable {
  const { table } = stage
  const fill = stage.fill(input)
  const columns = table.columns.map((column) => q(column.name)).join(', ')
  return {
    schema: table.schema,
    table: table.table,
    create: createTable(table),
    indexes: stage instanceof PartitionStage ? stage.indexes : [],
    fill: `insert into ${tableName(table)} (${columns})\n${fill}`,
    replace: replaceStatement(table, fill, null),
    replaceEmitting: target === null ? null : replaceStatement(table, fill, target),
    visibleColumns: table.columns.filter((column) => column.visible).map((column) => column.name),
  }
}

function replaceStatement(table: StateTable, fill: string, target: Target | null): string {
  const chain = new Chain()
  const delta = replace(chain, table, fill)
  const applied = apply(chain, delta)
  if (target !== null) emit(chain, delta, target)
  return chain.statement(`select ${counts(applied)}`)
}

function refreshStatements(stages: Stages, sources: readonly CompiledSource[], target: Target, options: CompileOptions): RefreshStatements {
  const build = (limit: number | null, emits: boolean) => refreshStatement(stages, sources, target, limit, emits)
  return {
    small: build(options.smallDeltaRows, false),
    large: build(null, false),
    smallEmitting: build(options.smallDeltaRows, true),
    largeEmitting: build(null, true),
  }
}

const FIRST_SNAPSHOT = 4

function refreshStatement(stages: Stages, sources: readonly CompiledSource[], target: Target, limit: number | null, emits: boolean): string {
  const chain = new Chain()
  const windows = openWindows(chain, sources, limit)
  const stageDeltas = new Map<Stateful, string>()
  const computed = new Map<Stateful, StageDelta>()
  const context = new Differentiator({ chain, stages: stateReader(stages.inner, computed), windows: windows.names, stageDeltas })
  for (const [node, stage] of stages.inner) {
    const delta = stage.delta(chain, context)
    if (delta === null) continue
    computed.set(node, delta)
    stageDeltas.set(node, chain.add('Δ stage', emitted(delta, node.columns.map((column) => column.name))))
    apply(chain, delta)
  }
  const delta = stages.last.delta(chain, context)
  const applied = delta === null ? null : apply(chain, delta)
  if (delta !== null && emits) emit(chain, delta, target)
  chain.add('advanced', advance(sources))
  chain.add('recorded', record(windows.changeRows, applied))
  return chain.statement(
    [
      `select (select count(*) from state)::int as held,`,
      `  ${windows.pending} as pending,`,
      `  ${windows.truncated} as truncated,`,
      `  ${windows.over} as over,`,
      `  ${FORCED} as forced,`,
      `  ${windows.changed} as changed,`,
      `  (select go from gate) as done,`,
      `  (${windows.changeRows})::float8 as change_rows,`,
      `  ${counts(applied)},`,
      `  pg_current_snapshot()::text as snapshot,`,
      `  known.version::text as version,`,
      `  known.reinitialize,`,
      // The guard triggers fire after the statement, and find it announced.
      `  set_config('freshet.apply', 'on', true) as applying`,
      `from (select) one`,
      `left join freshet.stream_table_state known on known.stream_table_id = $1`,
    ].join('\n'),
  )
}

/** The switch for diagnosis; it costs one look into a small table. */
const FORCED = `exists (select from freshet.setting where name = 'force_full_refresh' and value = 'true')`

/**
 * Whether a source has lost the shape that the plan was compiled for: each column that is read must still have its
 * name and type. A renamed column would otherwise be read as something else, and look right.
 */
function shapesChanged(sources: readonly CompiledSource[]): string {
  const checks = sources.flatMap((source) => {
    if (source.shape.length === 0) return []
    const columns = source.shape.map((column) => `(${quoteLiteral(column.name)}, ${column.typeOid}, ${column.modifier})`)
    const present = select({
      columns: ['count(*)'],
      from: 'pg_catalog.pg_attribute',
      where: [`attrelid = ${source.oid}`, 'not attisdropped', `(attname, atttypid, atttypmod) in (${columns.join(', ')})`],
    })
    return [`(${present}) <> ${columns.length}`]
  })
  return checks.length === 0 ? 'false' : `(${checks.join('\n  or ')})`
}

interface Windows {
  readonly names: ReadonlyMap<string, string>
  readonly pending: string
  readonly truncated: string
  readonly over: string
  readonly changed: string
  readonly changeRows: string
}

/**
 * The window (F₀, F₁] of every source: rows of transactions that the statement sees and the frontier did not.
 * The gate opens when there is something to do, the lock is held at the expected version, no source was truncated and
 * no window is larger than the statement was planned for. While it is shut, nothing above it has a row.
 */
function openWindows(chain: Chain, sources: readonly CompiledSource[], limit: number | null): Windows {
  const within = (i: number) => {
    const frontier = `$${FIRST_SNAPSHOT + i}::pg_snapshot`
    return [`__x >= pg_snapshot_xmin(${frontier})`, `not pg_visible_in_snapshot(__x, ${frontier})`]
  }
  const buffer = (source: CompiledSource) => `freshet_changes.${q(`changes_${source.stableName}`)}`
  const names = new Map(
    sources.map((source, i) => {
      const body = select({
        columns: [...source.columns.map((column) => collated(column, source.collations[column])), '__w::int as __w'],
        from: buffer(source),
        where: [...within(i), '__w <> 0'],
        ...(limit === null ? {} : { limit: limit + 1 }),
      })
      return [source.stableName, chain.add(`window of ${source.table}`, body, { materialized: true })] as const
    }),
  )
  const windows = [...names.values()]
  const marked = sources.map((source, i) => `exists (select from ${buffer(source)} where ${['__w = 0', ...within(i)].join(' and ')})`)
  const truncated = `(select truncated from marks)`
  chain.add('marks', `select ${marked.length === 0 ? 'false' : marked.join('\n  or ')} as truncated`, { materialized: true })
  const filled = windows.map((name) => `exists (select from ${name})`)
  const pending = `(${[truncated, ...filled].join(' or ')})`
  chain.add(
    'state',
    [
      'select',
      'from freshet.stream_table_state',
      `where stream_table_id = $1 and version = $2`,
      `  and ${pending}`,
      'for update skip locked',
    ].join('\n'),
    { materialized: true },
  )
  const over = limit === null || windows.length === 0 ? 'false' : `(${windows.map((name) => `(select count(*) from ${name}) > ${limit}`).join(' or ')})`
  const changed = shapesChanged(sources)
  chain.add('gate', `select (select count(*) from state) = 1 and not ${truncated} and not ${over} and not ${FORCED} and not ${changed} as go`, { materialized: true })
  const changeRows = windows.length === 0 ? '0' : windows.map((name) => `(select count(*) from ${name})`).join(' + ')
  return { names, pending, truncated, over, changed, changeRows }
}

/** A change buffer has its columns' types, not their collations; and these decide what is equal and what is less. */
function collated(column: string, collation: string | undefined): string {
  return collation === undefined ? q(column) : `${q(column)} collate ${collation} as ${q(column)}`
}

function stateReader(inner: ReadonlyMap<Stateful, KeyedStage>, computed: ReadonlyMap<Stateful, StageDelta>): StageReader {
  return {
    read(aggregate, reading) {
      const stage = inner.get(aggregate)
      if (stage === undefined) return undefined
      const columns = aggregate.columns.map((column) => q(column.name))
      const before = select({ columns, from: tableName(stage.table) })
      const delta = computed.get(aggregate)
      if (reading === 'before' || delta === undefined) return before
      // after = the rows whose key no change touched, and the touched ones as they are now
      const touched = delta.keys.map((key) => `t.${q(key.stored)} = c.${key.value}`).join(' and ')
      const untouched = select({
        columns: columns.map((column) => `t.${column}`),
        from: `${tableName(stage.table)} t`,
        where: [`not exists (select from ${delta.rows} c where ${touched})`],
      })
      const now = select({ columns: delta.after.map((value, i) => `${value} as ${columns[i] ?? value}`), from: delta.rows, where: [delta.alive] })
      return `${untouched}\nunion all\n${now}`
    },
  }
}

/** The stream table's own change rows, for those who consume it. */
function emit(chain: Chain, delta: StageDelta, target: Target): void {
  const columns = delta.visible.map(q)
  chain.add(
    'emitted',
    [
      `insert into freshet_changes.${q(`changes_${target.stableName}`)} (${[...columns, '__w'].join(', ')})`,
      emitted(delta, delta.visible),
      'returning 1',
    ].join('\n'),
  )
}

function advance(sources: readonly CompiledSource[]): string {
  const position = `jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', pg_current_snapshot()::text))`
  const frontier = sources.map((source) => `${quoteLiteral(source.stableName)}, ${position}`).join(',\n  ')
  return [
    'update freshet.stream_table_state s',
    'set version = s.version + 1, refreshed_at = clock_timestamp(), consecutive_errors = 0, last_error = null, retry_at = null,',
    `  frontier = jsonb_build_object(\n${indent(frontier, 2)}\n  )`,
    'where s.stream_table_id = $1 and (select go from gate)',
    'returning 1',
  ].join('\n')
}

function record(changeRows: string, applied: Applied | null): string {
  return [
    'insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by, change_rows, rows_inserted, rows_deleted)',
    `select $1, statement_timestamp(), 'differential', $3, ${changeRows},`,
    applied === null ? '  0, 0' : `  (select count(*) from ${applied.written}), (select count(*) from ${applied.deleted})`,
    'from gate where go',
    'returning 1',
  ].join('\n')
}

function counts(applied: Applied | null): string {
  if (applied === null) return `0::float8 as rows_inserted,\n  0::float8 as rows_deleted`
  return `(select count(*) from ${applied.written})::float8 as rows_inserted,\n  (select count(*) from ${applied.deleted})::float8 as rows_deleted`
}
