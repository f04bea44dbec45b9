import {
  type ColumnType,
  type Compilable,
  DummyDriver,
  type Generated,
  type JSONColumnType,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type Selectable,
} from 'kysely'
import type { Queryable, QueryOptions } from '../database.ts'
import type { ErrorJson } from '../errors.ts'
import type { FrontierJson } from '../frontier.ts'
import { CATALOG_SCHEMA } from '../names.ts'
import type { Tier } from '../service.ts'
import type { Sql } from '../sql.ts'
import type { Placement } from '../citus/placement.ts'

/**
 * The control tables, typed. `catalog` builds statements and `rows` runs them through the `Database` port:
 *
 *   await rows(database, catalog.selectFrom('stream_table').selectAll().where('table_name', '=', 'orders'))
 *
 * A test compares these types with the catalog that the migrations make.
 */
export interface Catalog {
  readonly migration: MigrationTable
  readonly installation: InstallationTable
  readonly setting: SettingTable
  readonly source: SourceTable
  readonly stream_table: StreamTableTable
  readonly stream_table_state: StreamTableStateTable
  readonly dependency: DependencyTable
  readonly shard_queue: ShardQueueTable
  readonly shard_queue_reader: ShardQueueReaderTable
  readonly node_health: NodeHealthTable
  readonly collection: CollectionTable
  readonly shard_epoch: ShardEpochTable
  readonly refresh_history: RefreshHistoryTable
  readonly wal_stream: WalStreamTable
  readonly reference: ReferenceTable
  readonly subscription: SubscriptionTable
  readonly shadow_build: ShadowBuildTable
  readonly freshness: FreshnessTable
  readonly freshness_by_day: FreshnessByDayTable
  readonly lease: LeaseTable
  readonly outbox: OutboxTable
  readonly consumer: ConsumerTable
  readonly dead_letter: DeadLetterTable
}

interface MigrationTable {
  number: number
  name: string
  breaking: boolean
  applied_at: Generated<Date>
}

interface OutboxTable {
  outbox_id: Generated<number>
  schema_name: string
  table_name: string
  stable_name: string
  payload: string
  keep_ms: Generated<string>
  created_at: Generated<Date>
}

interface ConsumerTable {
  name: string
  outbox_id: number | null
  position: string | null
  frontier: string | null
  generation: Generated<number>
  moved_at: Generated<Date>
}

interface DeadLetterTable {
  dead_letter_id: Generated<string>
  consumer: string
  event_id: string
  topic: string
  key: string | null
  headers: Readonly<Record<string, string>>
  value: Uint8Array | null
  code: string
  error: string
  died_at: Generated<Date>
  requested_at: Date | null
}

interface InstallationTable {
  only_row: Generated<boolean>
  system_identifier: string | null
  database_name: Generated<string>
  installed_at: Generated<Date>
}

interface WalStreamTable {
  only_row: Generated<boolean>
  slot_name: string
  generation: number
  since: Generated<string>
  applied_lsn: string
  timeline: string | null
}

interface SettingTable {
  name: string
  value: ColumnType<unknown, string, string>
  changed_at: Generated<Date>
}

export interface CapturedColumn {
  readonly name: string
  readonly type: string
}

interface SourceTable {
  stable_name: string
  relation: number
  schema_name: string
  table_name: string
  kind: 'table' | 'partitioned' | 'stream_table' | 'foreign' | 'materialized_view'
  capture: 'trigger' | 'wal' | 'refresh' | 'none'
  captured_columns: JsonColumn<readonly CapturedColumn[]>
  members: Generated<number[]>
  installed_at: Generated<Date>
  paused: Generated<boolean>
  gate: Generated<'open' | 'shut'>
  /** xid8: text. */
  resumed: string | null
  replica_identities: Generated<unknown>
  placement: JsonColumn<Placement>
  placed: Generated<string | null>
  /** On its shards, where it is placed; null: nobody has asked. */
  shard_rows: string | null
  shard_rows_at: Date | null
  /** xid8: text. */
  began: Generated<string>
  trimmed: string | null
}

interface StreamTableTable {
  stream_table_id: Generated<number>
  schema_name: string
  table_name: string
  relation: number | null
  stable_name: string
  query: string
  definition: string
  mode: 'auto' | 'differential' | 'full' | 'immediate'
  effective_mode: 'differential' | 'full' | 'immediate'
  mode_reason: string | null
  mode_detail: string | null
  schedule: Generated<string>
  storage: 'keyed' | 'bag' | 'single'
  key_columns: Generated<string[]>
  plan: ColumnType<unknown, string, string>
  session_settings: JsonColumn<Readonly<Record<string, string>>>
  emits_changes: Generated<boolean>
  created_at: Generated<Date>
  altered_at: Generated<Date>
  /** bigint: text. */
  fuse: string | null
  /** bigint: text. */
  sla_ms: string | null
  tier: Generated<Tier>
  atomic: string | null
  unit: number | null
}

interface StreamTableStateTable {
  stream_table_id: number
  /** bigint: text. */
  version: ColumnType<string, string | number | undefined, string | number>
  status: Generated<'initializing' | 'active' | 'paused' | 'suspended'>
  status_reason: string | null
  frontier: JsonColumn<FrontierJson>
  reinitialize: string | null
  state_behind: Generated<boolean>
  refreshed_at: Date | null
  consecutive_errors: Generated<number>
  last_error: JSONColumnType<ErrorJson> | null
  retry_at: Date | null
  decision: JSONColumnType<Readonly<Record<string, unknown>>> | null
  /** xid8: text. */
  turn: string | null
  /** bigint: text. */
  fuse_lifted: string | null
}

interface ShardQueueTable {
  queue_id: Generated<number>
  stable_name: string
  columns: string[]
  types: string[]
}

interface ShardQueueReaderTable {
  stream_table_id: number
  stable_name: string
  queue_id: number
  position: BigintColumn
}

interface NodeHealthTable {
  group_id: number
  failures: number
  failures_total: BigintColumn
  failing_since: Date | null
  last_failed_at: Date
  last_error: JSONColumnType<ErrorJson>
}

interface ShardEpochTable {
  stable_name: string
  epoch: string
  keys: string[]
}

interface CollectionTable {
  stable_name: string
  collected_at: Date
}

interface DependencyTable {
  stream_table_id: number
  stable_name: string
  columns: string[]
}

interface ReferenceTable {
  stream_table_id: number
  class: number
  object: number
  part: Generated<number>
  schema_name: string
  name: string
  shape: string
  mark: string | null
  columns: JSONColumnType<readonly (readonly [number: number, name: string])[]> | null
  keys: string[] | null
  indexes: number[] | null
}

interface SubscriptionTable {
  subscription_id: Generated<string>
  stream_table_id: number
  channel: string | null
  acknowledged: string | null
  acknowledged_at: Generated<Date>
  refresh_id: string | null
  inserted_count: BigintColumn
  deleted_count: BigintColumn
  announced_at: Date | null
}

interface ShadowBuildTable {
  shadow_id: number
  stream_table_id: number
  phase: Generated<'capturing' | 'filling' | 'catching up' | 'swapping' | 'replaced'>
  started_at: Generated<Date>
  phase_at: Generated<Date>
  rounds: Generated<number>
  /** bigint: text. */
  change_rows: string | null
  canceled_at: Date | null
}

interface LeaseTable {
  name: string
  holder: string | null
  token: BigintColumn
  acquired_at: Generated<Date>
  expires_at: Date
}

interface RefreshHistoryTable {
  refresh_id: Generated<string>
  stream_table_id: number
  started_at: Date
  finished_at: Generated<Date>
  action: 'initial' | 'differential' | 'full'
  reason: string | null
  initiated_by: string
  change_rows: BigintColumn
  rows_inserted: BigintColumn
  rows_deleted: BigintColumn
  error: JSONColumnType<ErrorJson> | null
  decision: JSONColumnType<Readonly<Record<string, unknown>>> | null
  source_rows: string | null
}

interface FreshnessTable {
  stream_table_id: number
  hour: Date
  bucket: number
  /** bigint: text. */
  refreshes: string
  promised: string
  late: string
}

interface FreshnessByDayTable extends Omit<FreshnessTable, 'hour'> {
  day: Date
}

/** Parsed when read, text when written; has a default. */
type JsonColumn<T> = ColumnType<T, string | undefined, string>
/** Text when read; has a default. */
type BigintColumn = ColumnType<string, string | number | undefined, string | number>

export type SourceRow = Selectable<SourceTable>
export type StreamTableRow = Selectable<StreamTableTable>
export type StreamTableStateRow = Selectable<StreamTableStateTable>
export type DependencyRow = Selectable<DependencyTable>
export type RefreshHistoryRow = Selectable<RefreshHistoryTable>

/** Builds statements; it has no connection and runs none. */
export const catalog = new Kysely<Catalog>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
}).withSchema(CATALOG_SCHEMA)

/** A built statement as a `Sql` value. */
export function statement(query: Compilable): Sql {
  const { sql: text, parameters } = query.compile()
  return { text, values: parameters }
}

/** Runs a built statement; its rows have the type that it says. */
export function rows<Row>(database: Queryable, query: Compilable<Row>, options?: QueryOptions): Promise<Row[]> {
  return database.query<Row>(statement(query), options)
}
