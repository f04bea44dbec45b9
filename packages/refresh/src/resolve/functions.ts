import { FreshetError, type Queryable, sql } from '@freshet/core'
import type { FunctionFacts } from '@freshet/dvm'

/**
 * The functions that a query calls, operators' functions included, with what PostgreSQL knows of them. They are read
 * from the stored rule, so overloading and search paths play no part.
 *
 * Volatile: refused. Stable and PostgreSQL's own: fine, unless it reads the clock or the session. Stable and a user's
 * own: it may read tables whose changes nobody captures, so it counts as time-dependent.
 */
interface FunctionRow {
  readonly oid: number
  readonly name: string
  readonly schema: string
  readonly volatility: string
  readonly kind: string
  readonly returnsSet: boolean
  readonly arity: number
}

export interface CalledFunctions {
  readonly functions: readonly FunctionFacts[]
  readonly oids: readonly number[]
  readonly timeDependent: string | null
}

export async function functionsOf(transaction: Queryable, views: readonly number[]): Promise<CalledFunctions> {
  const rows = await transaction.query<FunctionRow>(sql`
    with rules as (
      select r.ev_action::text as tree from pg_catalog.pg_rewrite r where r.ev_class = any (${views}::oid[])
    ), called as (
      select m[1]::oid as oid from rules, regexp_matches(tree, ':(?:funcid|opfuncid|aggfnoid|winfnoid) (\\d+)', 'g') m
      union
      select o.oprcode::oid from rules, regexp_matches(tree, ':opno (\\d+)', 'g') m
      join pg_catalog.pg_operator o on o.oid = m[1]::oid
    )
    select p.oid::int8::float8 as oid, p.proname as name, n.nspname as schema, p.provolatile as volatility, p.prokind as kind,
      p.proretset as "returnsSet", p.pronargs as arity
    from called
    join pg_catalog.pg_proc p using (oid)
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace`)
  const volatile = rows.find((row) => row.volatility === 'v')
  if (volatile !== undefined)
    throw new FreshetError('VOLATILE_FUNCTION', `the query calls the volatile function ${shown(volatile)}`)
  const [clock] = await transaction.query<{ reads: boolean }>(sql`
    select exists (
      select from pg_catalog.pg_rewrite r where r.ev_class = any (${views}::oid[]) and r.ev_action::text ~ '\\{SQLVALUEFUNCTION '
    ) as reads`)
  const dependent = rows.find((row) => row.volatility === 's' && readsSession(row))
  return {
    oids: rows.map((row) => row.oid),
    functions: rows.map((row) => ({ name: shown(row), aggregate: row.kind === 'a', setReturning: row.returnsSet })),
    timeDependent:
      dependent !== undefined
        ? `${shown(dependent)}()`
        : clock?.reads === true
          ? 'a value of the session or the clock, such as current_date'
          : null,
  }
}

function shown(row: FunctionRow): string {
  return row.schema === 'pg_catalog' ? row.name : `${row.schema}.${row.name}`
}

const SESSION = new RegExp(
  `^(now|transaction_timestamp|statement_timestamp|current_.*|session_user|system_user|getpgusername|getdatabaseencoding|inet_(client|server)_.*
  |pg_(?!typeof$).*|txid_.*|has_.*|version|get_current_ts_config|row_security_active|mxid_age|.*_to_xml.*|to_reg.*
  |(col|obj|shobj)_description|format_type|oidvectortypes|ts_stat|ts_debug|ts_parse)$`.replaceAll(/\s+/g, ''),
)

function readsSession(row: FunctionRow): boolean {
  if (row.schema !== 'pg_catalog') return true
  return SESSION.test(row.name) || (row.name === 'age' && row.arity === 1)
}
