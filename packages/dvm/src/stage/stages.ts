import type { Stateful } from '../plan/plan.ts'
import type { AggregateStage } from './aggregate-stage.ts'
import type { OutputStage } from './output-stage.ts'
import type { PartitionStage } from './partition-stage.ts'
import type { RecursionStage } from './recursion-stage.ts'

/** The stages of a query: those that keep inner state, and the last one, whose state is the stream table. */
export type KeyedStage = AggregateStage | PartitionStage | RecursionStage
export type AnyStage = KeyedStage | OutputStage

export interface Stages {
  readonly inner: ReadonlyMap<Stateful, KeyedStage>
  readonly order: readonly { readonly stage: AnyStage; readonly input: string }[]
  readonly last: AnyStage
}

/** Columns of its table that want an index of their own, beside the key. */
export function indexesOf(stage: AnyStage): readonly string[] {
  return 'indexes' in stage ? stage.indexes : []
}
