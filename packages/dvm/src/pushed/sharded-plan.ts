import { soleColumn } from '../ast.ts'
import type { Target } from '../compiled.ts'
import type { QueryFacts, TypeFacts } from '../facts.ts'
import { statefulOf, type Planned } from '../plan-query.ts'
import { type Distribution, shardColumnOf } from '../plan/locality.ts'
import type { Item, Stateful } from '../plan/plan.ts'
import { planStages, type StagedPlan } from '../staged-plan.ts'

/** A plan whose stages are all on the shards: the state of each lies beside those from which it follows. */
export interface ShardedPlan extends StagedPlan {
  /** Of each stage, in order: the column by which its table is distributed. */
  readonly shards: readonly string[]
}

export interface Sharding {
  readonly distribution: Distribution
  /** The column of the stream table by which it is distributed. */
  readonly column: string
}

/** Null: a stage has rows of several shards, or what tells the stream table's rows apart are not columns. */
export function planOnShards(
  facts: QueryFacts,
  planned: Planned,
  types: ReadonlyMap<string, TypeFacts>,
  target: Target,
  { distribution, column }: Sharding,
): ShardedPlan | null {
  const { query } = planned
  const shards = new Map<Stateful, string>()
  for (const node of statefulOf(query.input)) {
    const shard = node === query.input ? keyShownAs(node, column, query.items) : shardColumnOf(node, distribution)
    if (shard === undefined) return null
    shards.set(node, shard)
  }
  const plan = planStages(facts, planned, types, target, { placed: 'beside', shards })
  const { inner, last } = plan.stages
  if (last.table.key.kind !== 'columns') return null
  return { ...plan, shards: [...[...inner.keys()].map((node) => shards.get(node) ?? ''), column] }
}

function keyShownAs(node: Stateful, name: string, items: readonly Item[]): string | undefined {
  const item = items.find((each) => each.name === name)
  if (node.kind === 'recursion' || item === undefined) return undefined
  return node.keys.find((key) => key === soleColumn(item.expression))
}
