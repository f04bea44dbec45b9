export { alterStreamTable, type AlterSpec, pauseStreamTable, resumeStreamTable } from './alter.ts'
export type { RefreshContext } from './context.ts'
export { takingTurns } from './sessions.ts'
export { OUTPUT_KINDS, type OutputKind } from './citus/output.ts'
export { createStreamTable, type CreateSpec } from './create.ts'
export {
  findDefinition,
  findStreamTable,
  loadDefinition,
  nameOf,
  type Definition,
  type Mode,
  type OutputPlacement,
  type StoredPlan,
} from './definition.ts'
export { examine } from './doctor.ts'
export type { Finding } from './finding.ts'
export { dropStreamTable } from './drop.ts'
export { dump, restore, type RestoreReport } from './dump.ts'
export { type Gate, pauseGate, resumeGate } from './gates.ts'
export type { Decision } from './choose.ts'
export { explain, type ExplainedStage, type Explanation, type MissingIndex, type PlanNode } from './explain.ts'
export type { OnProgress, Progress } from './progress.ts'
export { type Resolved, resolveQuery } from './resolve/resolve.ts'
export { repair, type RepairReport } from './repair/repair.ts'
export { createRefresher } from './refresher.ts'
export { type Abandoned, cancelAlteration, removeAbandonedShadows } from './shadow/abandoned.ts'
export type { ServiceChange } from './service.ts'
export { citusStatus, type CitusStatus } from './citus/status.ts'
export { slaSummary, type SlaSummary, type SlaWindow } from './sla-summary.ts'
export {
  describeStreamTables,
  type Description,
  type HistoryEntry,
  historyOf,
  type NewQueryStatus,
  type Status,
  statusOf,
} from './status.ts'
export {
  acknowledge,
  closeSubscription,
  openSubscription,
  type OpenSubscription,
  type OutputState,
  outputStateStatement,
  requireUnbroken,
  type ResumedPosition,
  touch,
} from './subscription.ts'
export { refreshesWithin } from './trace.ts'
export { verifyStreamTable, type Verification } from './verify.ts'
