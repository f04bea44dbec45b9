import type { ErrorCode } from './errors.ts'

/**
 * SQLSTATE → code. Exact states first, then their classes (the first two characters).
 *
 * Class FR is Freshet's own: what its functions and triggers raise with `using errcode`.
 */
export const STREAM_TABLE_WRITE_SQLSTATE = 'FR001'

const STATES: Readonly<Record<string, ErrorCode>> = {
  [STREAM_TABLE_WRITE_SQLSTATE]: 'STREAM_TABLE_WRITE',
  FR002: 'STREAM_BEHIND',
  FR003: 'INTERNAL', // a reader of captured changes in the wrong isolation
  FR004: 'SOURCE_NEEDED',
  FR005: 'UNKNOWN_STREAM_TABLE',
  FR006: 'USAGE', // announcements of an immediate stream table
  FR007: 'LEASE_LOST',
  '25006': 'READ_ONLY_SERVER', // read_only_sql_transaction
  '2BP01': 'HAS_DEPENDENTS', // dependent_objects_still_exist
  '3D000': 'UNKNOWN_DATABASE', // invalid_catalog_name
  '3F000': 'UNKNOWN_RELATION', // invalid_schema_name
  '40001': 'TRANSACTION_CONFLICT', // serialization_failure
  '40P01': 'TRANSACTION_CONFLICT', // deadlock_detected
  '42501': 'INSUFFICIENT_PRIVILEGE',
  '42601': 'SYNTAX_ERROR',
  '42703': 'UNKNOWN_COLUMN', // undefined_column
  '42P01': 'UNKNOWN_RELATION', // undefined_table
  '42P06': 'DUPLICATE_NAME', // duplicate_schema
  '42P07': 'DUPLICATE_NAME', // duplicate_table
  '55P03': 'LOCK_TIMEOUT', // lock_not_available
  '57014': 'STATEMENT_CANCELED', // query_canceled
  '57P01': 'CONNECTION_LOST', // admin_shutdown
  '57P02': 'CONNECTION_LOST', // crash_shutdown
  '57P03': 'CONNECTION_REFUSED', // cannot_connect_now
  '57P04': 'UNKNOWN_DATABASE', // database_dropped
  '57P05': 'CONNECTION_LOST', // idle_session_timeout
  '25P03': 'CONNECTION_LOST', // idle_in_transaction_session_timeout
  '25P04': 'CONNECTION_LOST', // transaction_timeout
}

const CLASSES: Readonly<Record<string, ErrorCode>> = {
  '08': 'CONNECTION_LOST',
  '28': 'AUTHENTICATION_FAILED',
  '40': 'TRANSACTION_CONFLICT',
  '42': 'INVALID_QUERY',
  '53': 'SERVER_OVERLOADED',
}

export function codeOfSqlState(sqlState: string): ErrorCode {
  return STATES[sqlState] ?? CLASSES[sqlState.slice(0, 2)] ?? 'QUERY_FAILED'
}
