export { connect, type ConnectOptions, createFreshet } from './connect.ts'
export type {
  AlterSpec,
  CreateSpec,
  Explanation,
  Finding,
  Freshet,
  HistoryEntry,
  InitReport,
  Mode,
  PlanNode,
  Progress,
  StreamTable,
  StreamTableStatus,
  Verification,
} from './freshet.ts'
