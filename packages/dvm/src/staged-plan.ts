import type { CompiledSource, Target } from './compiled.ts'
import { readPlan, recursed, type StageReader } from './delta/readings.ts'
import type { QueryFacts, TypeFacts } from './facts.ts'
import { statefulOf, type Planned } from './plan-query.ts'
import { isStateful, passThrough, scansOf, type Plan, type Stateful } from './plan/plan.ts'
import { q, select } from './print/text.ts'
import { AggregateStage } from './stage/aggregate-stage.ts'
import { OutputStage } from './stage/output-stage.ts'
import { PartitionStage } from './stage/partition-stage.ts'
import { RecursionStage } from './stage/recursion-stage.ts'
import type { TypeOf } from './stage/stage.ts'
import type { KeyedStage, Stages } from './stage/stages.ts'
import { type Placed, tableName } from './stage/state-table.ts'

/** A plan with its stages, each over a state table of its own, and the sources whose changes it reads. */
export interface StagedPlan {
  readonly stages: Stages
  /** By stable name, in order. */
  readonly sources: readonly CompiledSource[]
}

export function stagePlan(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
): StagedPlan {
  const placed = target.onNodes === true ? 'apart' : 'here'
  return planStages(facts, planned, types, target, { placed, shards: new Map() })
}

/** Where the stream table is, and by which column of theirs the stages are placed that are on the shards. */
export interface StagePlaces {
  readonly placed: Placed
  readonly shards: ReadonlyMap<Stateful, string>
}

export function planStages(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  places: StagePlaces,
): StagedPlan {
  const typeOf: TypeOf = (column) => {
    const type = types.get(column)
    if (type === undefined) throw new TypeError(`no type is known for the column ${column}`)
    return type
  }
  const itemTypes = facts.columns.map((column) => column.type)
  return { stages: buildStages(planned, itemTypes, typeOf, target, places), sources: sourcesOf(facts, planned) }
}

function buildStages(
  planned: Planned,
  itemTypes: readonly TypeFacts[],
  typeOf: TypeOf,
  target: Target,
  { placed, shards }: StagePlaces,
): Stages {
  const { query } = planned
  const inner = new Map<Stateful, KeyedStage>()
  for (const node of statefulOf(query.input)) {
    if (node === query.input) continue
    const items = passThrough(node.columns)
    const itemTypes = node.columns.map((column) => typeOf(column.name))
    inner.set(
      node,
      keyedStage(node, {
        items,
        itemTypes,
        schema: target.stageSchema,
        table: `stage_${target.stableName}_${inner.size + 1}`,
        placed: shards.has(node) ? 'beside' : 'here',
        shard: shards.get(node),
        typeOf,
        inner: true,
      }),
    )
  }
  const names = { schema: target.schema, table: target.table, placed }
  const root = query.input
  const last = isStateful(root)
    ? keyedStage(root, { items: query.items, itemTypes, ...names, shard: shards.get(root), typeOf, inner: false })
    : new OutputStage({ query, itemTypes, ...names })
  const filled = fromStages(inner)
  const order = [
    ...[...inner].map(([node, stage]) => ({ stage, input: inputOf(node, filled) })),
    { stage: last, input: isStateful(root) ? inputOf(root, filled) : readPlan(root, 'after', filled) },
  ]
  return { inner, order, last }
}

/** Tables are filled inner ones first, so each is computed from the stages below it, and every source is read once. */
function fromStages(inner: ReadonlyMap<Stateful, KeyedStage>): StageReader {
  return {
    read(node) {
      const stage = inner.get(node)
      return stage && select({ columns: node.columns.map((column) => q(column.name)), from: tableName(stage.table) })
    },
  }
}

function keyedStage(node: Stateful, rest: Omit<ConstructorParameters<typeof AggregateStage>[0], 'node'>): KeyedStage {
  switch (node.kind) {
    case 'aggregate':
      return new AggregateStage({ node, ...rest })
    case 'partitioned':
      return new PartitionStage({ node, ...rest })
    case 'recursion':
      return new RecursionStage({ node, ...rest })
  }
}

/** What a stage is filled from, as SQL; a recursion is its own. */
function inputOf(node: Stateful, stages: StageReader): string {
  const read = (plan: Plan) => readPlan(plan, 'after', stages)
  return node.kind === 'recursion' ? recursed(node, read(node.base), read(node.step)) : read(node.input)
}

function sourcesOf(facts: QueryFacts, planned: Planned): CompiledSource[] {
  const columns = new Map<string, Set<string>>()
  for (const scan of scansOf(planned.query.input)) {
    const known = columns.get(scan.relation.stableName) ?? new Set<string>()
    for (const column of scan.sourceColumns) known.add(column)
    columns.set(scan.relation.stableName, known)
  }
  return [...facts.relations.values()]
    .filter(
      (relation) => relation.kind === 'table' || relation.kind === 'partitioned' || relation.kind === 'stream_table',
    )
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
      }
    })
    .toSorted((a, b) => (a.stableName < b.stableName ? -1 : 1))
}
