import type { CompiledSource } from '../compiled.ts'
import { Differentiator } from '../delta/differentiate.ts'
import { inputsOf, isStateful, type Plan, type Stateful } from '../plan/plan.ts'
import { Chain, select } from '../print/text.ts'
import { collated } from '../refresh-statement.ts'
import { apply, emitted } from '../stage/apply.ts'
import { OutputStage } from '../stage/output-stage.ts'
import type { StageDelta } from '../stage/stage.ts'
import { stateReader } from '../stage/state-reader.ts'
import type { ShardedPlan } from './sharded-plan.ts'
import { type Outcome, outcomeOf, type PushedPlaces, type Scratch, scratchOf } from './scratch.ts'

/**
 * A differential refresh that Citus runs where the rows are: each statement is pushed down whole, to every shard and what
 * is co-located with it. Changes are read from queues beside the shards of the sources. What each stage has to change is
 * computed into a table beside its shards, of all stages before one of them is written: those above read the states of
 * those below as they were.
 *
 * Citus plans a common table expression that is read twice, or a subquery of a condition, as a query of its own whose rows
 * pass through the coordinator. So every part is put where it is read, and nothing is decided beforehand.
 */
export interface PushedStatements extends Outcome {
  /** Of the stages whose inputs have changed, inner ones first. */
  readonly scratches: readonly Scratch[]
  readonly write: readonly string[]
}

export interface QueueWindow {
  /** With the source's columns, `__w`, and `__c`, the number of the collection that has brought the change. Quoted. */
  readonly queue: string
  /** Those of collections after this one. */
  readonly after: string
}

/** By stable name, of those sources that have changed. */
export type QueueWindows = ReadonlyMap<string, QueueWindow>

/** Null: not of such a plan. */
export function pushedStatements(
  plan: ShardedPlan,
  queues: QueueWindows,
  places: PushedPlaces,
): PushedStatements | null {
  const { inner, last } = plan.stages
  const stages = [
    ...[...inner].map(([node, stage]) => ({ node, stage, inputs: inputsOf(node) })),
    { node: null, stage: last, inputs: last instanceof OutputStage ? [last.query.input] : inputsOf(last.node) },
  ]
  const known = new Map<Stateful, StageDelta | null>()
  const scratches: Scratch[] = []
  const writes = new Chain()
  let outcome: Outcome | null = null
  for (const [i, { node, stage, inputs }] of stages.entries()) {
    const chain = new Chain()
    const delta = stage.delta(chain, contextOf(chain, plan, queues, { known, read: statesIn(inputs) }), true)
    if (delta === null) {
      if (node === null) return null
      known.set(node, null)
      continue
    }
    const stored = scratchOf(chain, delta, { table: places.scratches[i] ?? '', column: plan.shards[i] ?? '' })
    if (stored === null) return null
    scratches.push(stored.scratch)
    apply(writes, stored.delta, false)
    if (node === null) outcome = outcomeOf(stored.delta, places)
    else known.set(node, stored.delta)
  }
  return outcome && { scratches, write: writes.parts.map(({ body }) => body), ...outcome }
}

/** `known`: what other stages have to change, as their scratches hold it; `read`: those that this one reads. */
function contextOf(
  chain: Chain,
  { stages, sources }: ShardedPlan,
  queues: QueueWindows,
  below: { readonly known: ReadonlyMap<Stateful, StageDelta | null>; readonly read: readonly Stateful[] },
): Differentiator {
  const changed = new Map([...below.known].flatMap(([node, delta]) => (delta === null ? [] : [[node, delta] as const])))
  const stageDeltas = below.read.map((node) => {
    const delta = changed.get(node)
    const names = node.columns.map(({ name }) => name)
    return [node, delta === undefined ? null : chain.add('Δ stage', emitted(delta, names))] as const
  })
  const windows = sources.flatMap((source) => {
    const window = queues.get(source.stableName)
    const name = window && chain.add(`window of ${source.table}`, queued(source, window))
    return name === undefined ? [] : [[source.stableName, name] as const]
  })
  return new Differentiator({
    chain,
    stages: stateReader(stages.inner, changed, 'beside'),
    windows: new Map(windows),
    stageDeltas: new Map(stageDeltas),
    onShards: true,
  })
}

/** The states that are read by what is computed from these, and no others below. */
function statesIn(inputs: readonly Plan[]): readonly Stateful[] {
  const found = inputs.flatMap((plan) => (isStateful(plan) ? [plan] : statesIn(inputsOf(plan))))
  return [...new Set(found)]
}

/** The first condition is true of every row; without statistics, the planner expects few by it, and looks other tables up by index. */
function queued(source: CompiledSource, { queue, after }: QueueWindow): string {
  const columns = source.columns.map((column) => collated(column, source.collations[column]))
  return select({
    columns: [...columns, '__w::int as __w'],
    from: queue,
    where: ['__w in (1, -1)', `__c > ${BigInt(after)}`],
  })
}
