import { Chain, nested } from '../print/text.ts'
import { apply } from '../stage/apply.ts'
import { PartitionStage } from '../stage/partition-stage.ts'
import { compareRows, freshRows } from '../stage/replace.ts'
import { createTable, tableName } from '../stage/state-table.ts'
import type { ShardedPlan } from './sharded-plan.ts'
import { type Outcome, outcomeOf, type PushedPlaces, type Scratch, scratchOf } from './scratch.ts'

/**
 * A full refresh of one stage that Citus runs where the rows are. Those below it have had theirs, and been written: from them
 * it is computed anew, and compared with what it holds.
 */
export interface PushedReplacement extends Outcome {
  readonly scratch: Scratch
  readonly write: readonly string[]
}

/** Of every stage, inner ones first. Null: not of such a plan. */
export function pushedReplacements(plan: ShardedPlan, places: PushedPlaces): readonly PushedReplacement[] | null {
  const replacements: PushedReplacement[] = []
  for (const [i, { stage, input }] of plan.stages.order.entries()) {
    const chain = new Chain()
    const fresh = nested(freshRows(stage.table, stage.fill(input)))
    const delta = compareRows(chain, stage.table, fresh, `${tableName(stage.table)} t`)
    const stored = scratchOf(chain, delta, { table: places.scratches[i] ?? '', column: plan.shards[i] ?? '' })
    if (stored === null) return null
    const writes = new Chain()
    apply(writes, stored.delta, false)
    replacements.push({
      scratch: stored.scratch,
      write: writes.parts.map(({ body }) => body),
      ...outcomeOf(stored.delta, places),
    })
  }
  return replacements
}

/** Of an inner stage: the table that holds its state beside the shards. */
export interface PushedState {
  readonly schema: string
  readonly table: string
  readonly create: string
  readonly column: string
  readonly indexes: readonly string[]
}

/** In the order of the stages. */
export function pushedStates({ stages, shards }: ShardedPlan): readonly PushedState[] {
  return [...stages.inner.values()].map((stage, i) => ({
    schema: stage.table.schema,
    table: stage.table.table,
    create: createTable(stage.table),
    column: shards[i] ?? '',
    indexes: stage instanceof PartitionStage ? stage.indexes : [],
  }))
}
