import { type Database, type Queryable, type Sql, sql } from '@freshet/core'
import type { StoredPlan } from './definition.ts'

/** A table that a refresh reads, as it is called and captured: what must be known to lock it before a snapshot is taken. */
export interface SourceTable {
  readonly schema: string
  readonly table: string
  /** How its changes are captured; null where it is not known (yet). */
  readonly capture: string | null
  /** Its rows are on other nodes: into its buffer changes are collected, or, of a stream table, its refreshes write. */
  readonly placed: boolean
  readonly stableName: string | null
}

/** The tables among the sources, as they are called now. */
export function sourceTables(queryable: Queryable, sources: StoredPlan['sources']): Promise<readonly SourceTable[]> {
  return queryable.query<SourceTable>(sourceTablesStatement(sources), { prepared: true })
}

export function sourceTablesStatement(sources: StoredPlan['sources']): Sql {
  const oids = [...new Set(sources.map(({ oid }) => oid))]
  return sql`select n.nspname as schema, c.relname as table, o.capture, o.placed is not null as placed, o.stable_name as "stableName"
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join freshet.source o on o.relation = c.oid
      where c.oid = any (${oids}::oid[]) and c.relkind in ('r', 'p') order by c.oid`
}

/**
 * How sources were called the last time: they are locked by name, and to ask for the names first takes a round trip. So
 * they are taken as they were, and asked for by the statement that follows the locks: what is not so any more shows
 * before anything is read.
 */
export interface Called {
  /** Null: nobody knows. It is forgotten, too: what goes wrong with it is not tried again. */
  take(sources: StoredPlan['sources']): readonly SourceTable[] | null
  remember(sources: StoredPlan['sources'], tables: readonly SourceTable[]): void
}

const MOST = 1_000

const ofDatabases = new WeakMap<Database, Called>()

export function calledIn(database: Database): Called {
  const known = ofDatabases.get(database) ?? nothingKnown()
  ofDatabases.set(database, known)
  return known
}

function nothingKnown(): Called {
  const names = new Map<string, readonly SourceTable[]>()
  const keyOf = (sources: StoredPlan['sources']) => sources.map(({ oid }) => oid).join()
  return {
    take(sources) {
      const tables = names.get(keyOf(sources)) ?? null
      names.delete(keyOf(sources))
      return tables
    },
    remember(sources, tables) {
      names.set(keyOf(sources), tables)
      for (const oldest of names.keys()) {
        if (names.size <= MOST) break
        names.delete(oldest)
      }
    },
  }
}
