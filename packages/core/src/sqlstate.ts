import type { ErrorCode } from './errors.ts'

/**
 * SQLSTATE → code. Exact states first, then their classes (the first two characters).
 *
 * Class FR is Freshet's own: what its functions and triggers raise with `using errcode`.
 */
export const STREAM_TABLE_WRITE_SQLSTATE = 'FR001'

export interface SqlState {
  readonly code: ErrorCode
  /** PostgreSQL's, or what Freshet means by it. */
  readonly name: string
}

export const SQLSTATES: Readonly<Record<string, SqlState>> = {
  [STREAM_TABLE_WRITE_SQLSTATE]: { code: 'STREAM_TABLE_WRITE', name: 'a write to a stream table' },
  FR002: { code: 'STREAM_BEHIND', name: 'the stream of changes is behind' },
  FR003: { code: 'INTERNAL', name: 'a reader of captured changes in the wrong isolation' },
  FR004: { code: 'SOURCE_NEEDED', name: 'a source is needed' },
  FR005: { code: 'UNKNOWN_STREAM_TABLE', name: 'unknown stream table' },
  FR006: { code: 'USAGE', name: 'announcements of an immediate stream table' },
  FR007: { code: 'LEASE_LOST', name: 'a lease was lost' },
  // Citus: what a statement had sent to the nodes is gone, because the cluster changed meanwhile
  CIINF: { code: 'TRANSACTION_CONFLICT', name: 'an intermediate result is gone' },
  '25006': { code: 'READ_ONLY_SERVER', name: 'read_only_sql_transaction' },
  '2BP01': { code: 'HAS_DEPENDENTS', name: 'dependent_objects_still_exist' },
  '3D000': { code: 'UNKNOWN_DATABASE', name: 'invalid_catalog_name' },
  '3F000': { code: 'UNKNOWN_RELATION', name: 'invalid_schema_name' },
  '40001': { code: 'TRANSACTION_CONFLICT', name: 'serialization_failure' },
  '40P01': { code: 'TRANSACTION_CONFLICT', name: 'deadlock_detected' },
  '42501': { code: 'INSUFFICIENT_PRIVILEGE', name: 'insufficient_privilege' },
  '42601': { code: 'SYNTAX_ERROR', name: 'syntax_error' },
  '42703': { code: 'UNKNOWN_COLUMN', name: 'undefined_column' },
  '42P01': { code: 'UNKNOWN_RELATION', name: 'undefined_table' },
  '42P06': { code: 'DUPLICATE_NAME', name: 'duplicate_schema' },
  '42P07': { code: 'DUPLICATE_NAME', name: 'duplicate_table' },
  '55P03': { code: 'LOCK_TIMEOUT', name: 'lock_not_available' },
  '57014': { code: 'STATEMENT_CANCELED', name: 'query_canceled' },
  '57P01': { code: 'CONNECTION_LOST', name: 'admin_shutdown' },
  '57P02': { code: 'CONNECTION_LOST', name: 'crash_shutdown' },
  '57P03': { code: 'CONNECTION_REFUSED', name: 'cannot_connect_now' },
  '57P04': { code: 'UNKNOWN_DATABASE', name: 'database_dropped' },
  '57P05': { code: 'CONNECTION_LOST', name: 'idle_session_timeout' },
  '25P03': { code: 'CONNECTION_LOST', name: 'idle_in_transaction_session_timeout' },
  '25P04': { code: 'CONNECTION_LOST', name: 'transaction_timeout' },
}

export const SQLSTATE_CLASSES: Readonly<Record<string, SqlState>> = {
  '08': { code: 'CONNECTION_LOST', name: 'connection exception' },
  '28': { code: 'AUTHENTICATION_FAILED', name: 'invalid authorization' },
  '40': { code: 'TRANSACTION_CONFLICT', name: 'transaction rollback' },
  '42': { code: 'INVALID_QUERY', name: 'syntax error or access rule violation' },
  '53': { code: 'SERVER_OVERLOADED', name: 'insufficient resources' },
}

export function codeOfSqlState(sqlState: string): ErrorCode {
  return (SQLSTATES[sqlState] ?? SQLSTATE_CLASSES[sqlState.slice(0, 2)])?.code ?? 'QUERY_FAILED'
}
