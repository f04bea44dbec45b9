export { DIAMOND } from './atomic-units.ts'
export type { Capture, CaptureChoice, CaptureFault, CaptureOptions, CaptureStream } from './capture.ts'
export {
  catalog,
  type Catalog,
  type CapturedColumn,
  type DependencyRow,
  type RefreshHistoryRow,
  rows,
  type SourceRow,
  statement,
  type StreamTableRow,
  type StreamTableStateRow,
} from './catalog/catalog.ts'
export {
  conflictPauseMs,
  type Lease,
  type LeaseCondition,
  type LeasePatience,
  tryLease,
  withLease,
} from './catalog/lease.ts'
export { type Claimable, claiming, isAnyClaimed, isClaimed, whenUnclaimed } from './catalog/claim.ts'
export { hasEventTriggers, setEventTriggers } from './catalog/event-triggers.ts'
export { adoptCluster, databaseWord, isInstalledHere } from './catalog/installation.ts'
export { rebuildCatalogObjects } from './catalog/catalog-objects.ts'
export { mendCapture } from './catalog/mend-capture.ts'
export { markGatedImmediate, type SettledGates, settleGates } from './catalog/settle-gates.ts'
export { settleUnits } from './catalog/settle-units.ts'
export { trimBuffer } from './catalog/trim-buffer.ts'
export { migrate, type MigrationReport, requireSchema } from './catalog/migrate.ts'
export type { Migration } from './catalog/migrations.ts'
export { areColocated } from './citus/colocated.ts'
export { shardQueue, shardQueueOf } from './citus/shard-queue.ts'
export { type Backoff, backoffMs, reconnectMs } from './backoff.ts'
export {
  CITUS_VERSION,
  isCapable,
  isUntested,
  missingOf,
  OLDEST_CITUS,
  readCitusVersion,
  TESTED_CITUS,
} from './citus/capabilities.ts'
export { isSharded, LOCAL, type Placement, type PlacementKind, readPlacement } from './citus/placement.ts'
export { checkDatabaseUrl, redactUrl } from './connection-url.ts'
export { type Cron, nextFiring, printCron } from './cron.ts'
export type {
  Database,
  Isolation,
  Notice,
  Queryable,
  QueryOptions,
  Session,
  Transacted,
  TransactionOptions,
} from './database.ts'
export { type Dump, type DumpedStreamTable, DUMP_FORMAT, parseDump } from './dump-document.ts'
export { writeDumpScript } from './dump-script.ts'
export {
  type ErrorCode,
  type ErrorJson,
  type ErrorOptions,
  ERRORS,
  FreshetError,
  isFreshetError,
  type RetryClass,
  toFreshetError,
} from './errors.ts'
export {
  advance,
  type Frontier,
  type FrontierJson,
  frontierLeq,
  frontierMeet,
  type NodePositions,
  parseFrontier,
  type Position,
  positionLeq,
  printFrontier,
} from './frontier.ts'
export { advisoryUnlock } from './advisory-unlock.ts'
export { type UnderSettings, withSessionSettings } from './session-settings.ts'
export { claimUnread, holdCapture, isRead, type UnreadSource, unreadSources } from './catalog/is-read.ts'
export {
  DEFAULT_PATIENCE,
  GIVE_WAY,
  isRefusal,
  type LockPatience,
  lockTimeout,
  whileRefused,
  withPatience,
} from './lock-patience.ts'
export { isLsn, type Lsn, lsn, parseLsn, printLsn } from './lsn.ts'
export {
  bufferName,
  bufferSizes,
  bufferTable,
  canon,
  CATALOG_SCHEMA,
  CHANGES_SCHEMA,
  checkName,
  displayName,
  fnv1a64,
  MAX_NAME_BYTES,
  parseName,
  type ParsedName,
  refuseCollision,
  sourceIdentifier,
  type SourceIdentifier,
  stableName,
} from './names.ts'
export { connect, type ConnectOptions } from './postgres.ts'
export type { Refresher, RefreshOptions, RefreshOutcome } from './refresher.ts'
export { type RolesSpec, rolesScript } from './roles.ts'
export {
  openReplication,
  REPLICATION_SETTINGS,
  type ReplicationOptions,
  type ReplicationStream,
  type StreamItem,
} from './replication.ts'
export {
  DEFAULT_SETTINGS,
  isSettingName,
  readSettings,
  type SettingFacts,
  type SettingName,
  SETTINGS,
  type Settings,
  writeSetting,
} from './settings.ts'
export {
  including,
  isVisible,
  NOTHING_VISIBLE,
  parseSnapshot,
  printSnapshot,
  type Snapshot,
  snapshotLeq,
  snapshotMeet,
} from './snapshot.ts'
export { parseSchedule, printDuration, printSchedule, type Schedule } from './schedule.ts'
export { parseAtomic, parseSla, parseTier, type ServiceSpec, type Tier, TIERS } from './service.ts'
export { type Fragment, identifier, join, literal, quoteIdentifier, quoteLiteral, raw, sql, type Sql } from './sql.ts'
export { STANDING } from './standing-marker.ts'
export { refreshTrace, type TraceIdentity } from './trace-identity.ts'
export { codeOfSqlState, type SqlState, SQLSTATE_CLASSES, SQLSTATES, STREAM_TABLE_WRITE_SQLSTATE } from './sqlstate.ts'
