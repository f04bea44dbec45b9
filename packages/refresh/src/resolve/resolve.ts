import {
  type Database,
  DEFAULT_PATIENCE,
  FreshetError,
  GIVE_WAY,
  isFreshetError,
  type Queryable,
  raw,
  sql,
  whileRefused,
} from '@freshet/core'
import {
  loadParser,
  parseStatements,
  planQuery,
  wholeQuery,
  type Planned,
  type QueryFacts,
  type TypeFacts,
} from '@freshet/dvm'
import { functionsOf } from './functions.ts'
import { readFields, readReferences, type Reference } from './references.ts'
import { relationsOf } from './relations.ts'
import { refuseRowSecurity } from './row-security.ts'
import { TypeCatalog, type ColumnType } from './types.ts'

/**
 * Resolves a query with PostgreSQL itself: creates it as a temporary view, reads back how PostgreSQL understood it,
 * and rolls everything back. Names come back qualified, stars expanded, types and dependencies known.
 */
export interface Resolved {
  readonly facts: QueryFacts
  readonly planned: Planned
  /** Types of columns that exist only inside the plan. */
  readonly types: ReadonlyMap<string, TypeFacts>
  readonly settings: Readonly<Record<string, string>>
  readonly references: readonly Reference[]
}

const QUERY_VIEW = 'freshet_resolved_query'

export async function resolveQuery(database: Database, query: string): Promise<Resolved> {
  await loadParser()
  checkStatement(query)
  const { facts, settings, references } = await rolledBack(database, (transaction) => readFacts(transaction, query))
  const planned = planQuery(facts)
  try {
    const { types, fields } = await rolledBack(database, (transaction) => describeProbes(transaction, planned))
    return { facts, planned, types, settings, references: [...references, ...fields] }
  } catch (error) {
    if (!isFreshetError(error) || error.sqlState === undefined || !error.sqlState.startsWith('42')) throw error
    // An inner column has a type that no table can hold, such as an anonymous record.
    const whole = wholeQuery(facts, { code: 'OTHER', detail: error.message })
    return { facts, planned: whole, types: new Map(), settings, references }
  }
}

function checkStatement(query: string): void {
  const kinds = parseStatements(query)
  if (kinds.kind === 'error') {
    throw new FreshetError(
      'SYNTAX_ERROR',
      kinds.message,
      kinds.position === null ? {} : { detail: `at character ${kinds.position + 1}` },
    )
  }
  if (kinds.statements.length !== 1 || kinds.statements[0] !== 'SelectStmt' || kinds.into) {
    throw new FreshetError('NOT_A_SELECT', 'a stream table is defined by one SELECT statement', {
      detail:
        kinds.statements.length === 1
          ? `This is ${kinds.statements[0] ?? 'empty'}.`
          : `There are ${kinds.statements.length} statements.`,
    })
  }
}

/** Rolls back whatever `work` did; nothing of a resolution stays. Whoever locks a relation of the query comes first. */
async function rolledBack<T>(database: Database, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  return whileRefused(DEFAULT_PATIENCE.patienceMs, () => rolledBackOnce(database, work))
}

async function rolledBackOnce<T>(database: Database, work: (transaction: Queryable) => Promise<T>): Promise<T> {
  const done = new Rollback<T>()
  try {
    await database.transaction(async (transaction) => {
      await transaction.query(GIVE_WAY)
      done.result = { value: await work(transaction) }
      throw done
    })
  } catch (error) {
    if (error === done && done.result !== undefined) return done.result.value
    throw error
  }
  throw new TypeError('unreachable')
}

class Rollback<T> extends Error {
  result: { readonly value: T } | undefined
}

async function readFacts(
  transaction: Queryable,
  query: string,
): Promise<Pick<Resolved, 'facts' | 'settings' | 'references'>> {
  await transaction.query(raw(`create temporary view ${QUERY_VIEW} as\n${query}`))
  // Creating a view does not check that its owner may read; running it does.
  await transaction.query(raw(`select from pg_temp.${QUERY_VIEW} limit 0`))
  const settings = await sessionSettings(transaction)
  await transaction.query(raw(`set local search_path = ''`))
  const view = await settledView(transaction)
  const relations = await relationsOf(transaction, view.oid)
  await refuseRowSecurity(
    transaction,
    [...relations.values()].map(({ oid }) => oid),
  )
  const views = [
    view.oid,
    ...[...relations.values()].filter((relation) => relation.kind === 'view').map((relation) => relation.oid),
  ]
  const called = await functionsOf(transaction, views)
  const references = await readReferences(transaction, relations.values(), called.oids)
  const columns = await columnsOf(transaction, [QUERY_VIEW])
  const types = await TypeCatalog.load(
    transaction,
    columns.map((column) => column.type.oid),
  )
  const reserved = columns.find((column) => column.name.startsWith('__'))
  if (reserved !== undefined)
    throw new FreshetError('RESERVED_COLUMN_NAME', `the output column ${reserved.name} starts with two underscores`)
  if (columns.length === 0)
    throw new FreshetError('INVALID_QUERY', 'the query has no output column', { hint: 'Name at least one column.' })
  return {
    facts: {
      definition: view.definition,
      columns: columns.map((column) => ({ name: column.name, type: types.facts(column.type) })),
      relations,
      functions: called.functions,
      timeDependent: called.timeDependent,
    },
    settings,
    references,
  }
}

/** Two are enough for all that is known. */
const MOST_READINGS = 5

/**
 * What PostgreSQL prints is read and printed again until nothing changes: reading drops what repeats itself, such as a
 * second ORDER BY of one column. So a definition that was resolved resolves to itself, and its plan stays the same.
 */
async function settledView(transaction: Queryable): Promise<{ readonly oid: number; readonly definition: string }> {
  for (let before: string | null = null, readings = 1; ; readings++) {
    const [view] = await transaction.query<{ oid: number; definition: string }>(sql`
      select c.oid::int8::float8 as oid, rtrim(btrim(pg_catalog.pg_get_viewdef(c.oid), E' \n'), ';') as definition
      from pg_catalog.pg_class c
      where c.relname = ${QUERY_VIEW} and c.relnamespace = pg_catalog.pg_my_temp_schema()`)
    if (view === undefined) throw new TypeError('the probing view is not there')
    if (view.definition === before || readings === MOST_READINGS) return view
    before = view.definition
    try {
      await transaction.query(raw(`create or replace temporary view ${QUERY_VIEW} as\n${before}`))
    } catch (error) {
      throw isFreshetError(error, 'SYNTAX_ERROR') ? unreadable(error) : error
    }
  }
}

/** A dump of such a view could not be restored either. Known of ORDER BY: -(2.5) is a constant when it is read again. */
function unreadable(error: FreshetError): FreshetError {
  return new FreshetError('INVALID_QUERY', `PostgreSQL can not read what it makes of the query: ${error.message}`, {
    hint: 'Leave constants out of ORDER BY, also by their position.',
    cause: error,
  })
}

interface Described {
  readonly types: ReadonlyMap<string, TypeFacts>
  /** Of the composite types among them. */
  readonly fields: readonly Reference[]
}

async function describeProbes(transaction: Queryable, planned: Planned): Promise<Described> {
  await transaction.query(raw(`set local search_path = ''`))
  const names = planned.probes.map((_, i) => `freshet_probe_${i + 1}`)
  for (const [i, probe] of planned.probes.entries()) {
    const columns = probe.columns.map((_, j) => `c${j + 1}`).join(', ')
    await transaction.query(raw(`create temporary view ${names[i] ?? ''} (${columns}) as\n${probe.sql}`))
  }
  const described = await columnsOf(transaction, names)
  const types = await TypeCatalog.load(
    transaction,
    described.map((column) => column.type.oid),
  )
  const result = new Map<string, TypeFacts>()
  planned.probes.forEach((probe, i) => {
    const own = described.filter((column) => column.view === names[i])
    probe.columns.forEach((name, j) => {
      const column = own[j]
      if (column !== undefined) result.set(name, types.facts(column.type))
    })
  })
  const { composites } = types
  return { types: result, fields: composites.length === 0 ? [] : await readFields(transaction, composites) }
}

interface DescribedColumn {
  readonly view: string
  readonly name: string
  readonly type: ColumnType
}

async function columnsOf(transaction: Queryable, views: readonly string[]): Promise<readonly DescribedColumn[]> {
  if (views.length === 0) return []
  const rows = await transaction.query<Omit<ColumnType, 'oid'> & { view: string; name: string; oid: number }>(sql`
    select c.relname as view, a.attname as name, a.atttypid::int8::float8 as oid, a.atttypmod as modifier,
      pg_catalog.format_type(a.atttypid, a.atttypmod) as sql,
      case when a.attcollation <> t.typcollation then
        (select pg_catalog.quote_ident(n.nspname) || '.' || pg_catalog.quote_ident(l.collname)
         from pg_catalog.pg_collation l join pg_catalog.pg_namespace n on n.oid = l.collnamespace where l.oid = a.attcollation)
      end as collation,
      coalesce((select l.collisdeterministic from pg_catalog.pg_collation l where l.oid = a.attcollation), true) as deterministic
    from pg_catalog.pg_class c
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join pg_catalog.pg_type t on t.oid = a.atttypid
    where c.relnamespace = pg_catalog.pg_my_temp_schema() and c.relname = any (${views}::text[])
    order by c.relname, a.attnum`)
  return rows.map(({ view, name, ...type }) => ({ view, name, type }))
}

/** Settings that give a query its meaning: a timestamptz has another date in another time zone. */
const MEANING = [
  'TimeZone',
  'DateStyle',
  'IntervalStyle',
  'extra_float_digits',
  'bytea_output',
  'xmlbinary',
  'xmloption',
  'lc_monetary',
  'lc_numeric',
  'lc_time',
  'default_text_search_config',
] as const

export async function sessionSettings(queryable: Queryable): Promise<Record<string, string>> {
  const rows = await queryable.query<{ name: string; value: string }>(
    sql`select name, pg_catalog.current_setting(name) as value from unnest(${[...MEANING]}::text[]) name`,
  )
  return Object.fromEntries(rows.map((row) => [row.name, row.value]))
}
