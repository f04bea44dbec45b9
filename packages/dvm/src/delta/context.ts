import type { Plan, Scan, Stateful } from '../plan/plan.ts'

/**
 * What an operator's law may ask for.
 *
 * Readings: base tables are read *after* the change, as the statement's snapshot shows them. State tables are read
 * *before* it, because the same statement changes them. Every reading is a plain SELECT of the operator's columns;
 * a delta has one column more, the weight `__w`.
 */
export interface DeltaContext {
  /** Name of the common table expression that holds Δ of the plan; null when no change can ever reach it. */
  delta(plan: Plan): string | null
  read(plan: Plan, reading: Reading): string
  /** The same as one query or several, which have no row in common: see `readInParts`. */
  readInParts(plan: Plan, reading: Reading): readonly string[]
  /** The rows that the window holds for one scan's relation; null when this statement reads no changes of it. */
  window(scan: Scan): string | null
  /**
   * What is true where something has changed, as conditions that are decided once, before anything is read. None where the
   * statement runs on other nodes: there they would be queries of their own.
   */
  decided(condition: string): readonly string[]
  /** Whether it does. Then rows are told apart by nothing that numbers them, and joins show which column stays on its shard. */
  readonly onShards: boolean
  /** Adds a named part to the statement and returns its name. */
  part(label: string, body: string): string
  /** The changes of an inner stage, as its own step of the statement computed them. */
  stageDelta(stage: Stateful): string | null
}

export type Reading = 'after' | 'before'
