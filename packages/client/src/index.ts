export type { CollectorEvent, NodeRef, WalStreamEvent } from '@freshet/cdc'
export type { CaptureChoice, Tier } from '@freshet/core'
export { OUTPUT_KINDS } from '@freshet/refresh'
export { connect, type ConnectOptions, createFreshet } from './connect.ts'
export type { Change, FeedPage, JsonRow, SubscribeOptions, Subscription } from './feed/feed.ts'
export type { FollowedCopy, FollowOptions } from './feed/follow.ts'
export { type LiveCopy, liveCopyWriter, type LiveCopyWriter } from './feed/live-copy.ts'
export type {
  AlteredStreamTable,
  Freshet,
  InitReport,
  RefreshRequest,
  StreamEvent,
  StreamTableHandle,
} from './freshet.ts'
export type {
  AlterSpec,
  CitusStatus,
  CreateSpec,
  Decision,
  Description as StreamTable,
  ExplainedStage,
  Explanation,
  Finding,
  Gate,
  HistoryEntry,
  MissingIndex,
  Mode,
  PlanNode,
  Progress,
  RepairReport,
  RestoreReport,
  NewQueryStatus,
  OutputKind,
  OutputPlacement,
  SlaSummary,
  SlaWindow,
  Status as StreamTableStatus,
  Verification,
} from '@freshet/refresh'
