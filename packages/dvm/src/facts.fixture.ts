import { stableName } from '@freshet/core'
import { compileQuery } from './compile.ts'
import { refreshCompiler } from './refresh-compiler.ts'
import type { Compiled, Extent, RefreshVariant } from './compiled.ts'
import { relationKey, type FunctionFacts, type QueryFacts, type RelationFacts, type TypeFacts } from './facts.ts'
import { loadParser } from './parse.ts'
import { planQuery, type Planned } from './plan-query.ts'

/** Facts written by hand, so that the compiler's tests need no database. Queries are written as `pg_get_viewdef` does. */
await loadParser()

const EXACT = {
  collation: null,
  equality: 'exact',
  canonical: '$',
  bounded: true,
  builtin: true,
  array: false,
  ordered: true,
} as const
const TYPES: Readonly<Record<string, TypeFacts>> = {
  integer: { ...EXACT, sql: 'integer' },
  bigint: { ...EXACT, sql: 'bigint' },
  boolean: { ...EXACT, sql: 'boolean' },
  text: { ...EXACT, sql: 'text', bounded: false },
  date: { ...EXACT, sql: 'date' },
  numeric: { ...EXACT, sql: 'numeric', equality: 'coarse', canonical: 'trim_scale($)', bounded: false },
  'numeric(12,2)': { ...EXACT, sql: 'numeric(12,2)', equality: 'coarse', canonical: 'trim_scale($)' },
  'double precision': { ...EXACT, sql: 'double precision', equality: 'coarse', canonical: '($ + 0::double precision)' },
  json: { ...EXACT, sql: 'json', equality: 'none', canonical: null, bounded: false, ordered: false },
  jsonb: { ...EXACT, sql: 'jsonb', equality: 'coarse', canonical: null, bounded: false },
  'integer[]': { ...EXACT, sql: 'integer[]', bounded: false, array: true },
  'public.citext': {
    ...EXACT,
    sql: 'public.citext',
    equality: 'coarse',
    canonical: null,
    bounded: false,
    builtin: false,
  },
}

export function type(sql: string): TypeFacts {
  const known = TYPES[sql]
  if (known === undefined) throw new Error(`the fixture knows no type ${sql}`)
  return known
}

/** Columns as `name: type`, with a `!` where they are not null. */
export function table(
  name: string,
  columns: Readonly<Record<string, string>>,
  ...keys: readonly (readonly string[])[]
): RelationFacts {
  return {
    oid: 16_384,
    schema: 'shop',
    table: name,
    stableName: stableName('shop', name),
    kind: 'table',
    columns: Object.entries(columns).map(([column, sql]) => ({
      name: column,
      notNull: sql.endsWith('!'),
      collation: null,
      used: true,
    })),
    keys,
    definition: null,
  }
}

const COLUMNS = {
  orders: { id: 'bigint!', customer_id: 'integer', qty: 'integer', price: 'numeric(12,2)', note: 'text' },
  customers: { id: 'integer!', region: 'text', score: 'integer!' },
  visits: { customer_id: 'integer', page: 'text', seen: 'json', weight: 'numeric', stay: 'double precision' },
} as const

const ORDERS = table('orders', COLUMNS.orders, ['id'])
const CUSTOMERS = table('customers', COLUMNS.customers, ['id'])
/** Without a key. */
const VISITS = table('visits', COLUMNS.visits)

const AGGREGATES =
  'count sum avg min max bool_and bool_or every string_agg array_agg stddev mode percentile_cont'.split(' ')
const FUNCTIONS: readonly FunctionFacts[] = [
  ...AGGREGATES.map((name) => ({ name, aggregate: true, setReturning: false })),
  { name: 'upper', aggregate: false, setReturning: false },
  { name: 'generate_series', aggregate: false, setReturning: true },
  { name: 'own.median', aggregate: true, setReturning: false },
]

/** `outputs`: the query's columns, name → type. */
export function factsOf(
  definition: string,
  outputs: Readonly<Record<string, string>>,
  others: readonly RelationFacts[] = [],
): QueryFacts {
  return {
    definition,
    columns: Object.entries(outputs).map(([name, sql]) => ({ name, type: type(sql) })),
    relations: new Map(
      [ORDERS, CUSTOMERS, VISITS, ...others].map((relation) => [
        relationKey(relation.schema, relation.table),
        relation,
      ]),
    ),
    functions: FUNCTIONS,
    timeDependent: null,
  }
}

export function plan(
  definition: string,
  outputs: Readonly<Record<string, string>> = {},
  others: readonly RelationFacts[] = [],
): Planned {
  return planQuery(factsOf(definition, outputs, others))
}

/** `inner`: types of columns that only the plan has. Those of base tables are known. */
export function compile(
  definition: string,
  outputs: Readonly<Record<string, string>>,
  inner: Readonly<Record<string, string>> = {},
  others: readonly RelationFacts[] = [],
): Compiled {
  const facts = factsOf(definition, outputs, others)
  const planned = planQuery(facts)
  const known: Readonly<Record<string, string>> = {
    ...COLUMNS.visits,
    ...COLUMNS.customers,
    ...COLUMNS.orders,
    ...inner,
  }
  const types = new Map(
    planned.probes
      .flatMap(({ columns }) => columns)
      .map((name) => {
        const sql = known[name] ?? known[name.replace(/_\d+$/, '')]
        if (sql === undefined) throw new Error(`the test does not say the type of ${name}`)
        return [name, type(sql.replace('!', ''))]
      }),
  )
  const target = { schema: 'shop', table: 'answer', stableName: '00000000000000aa', stageSchema: 'freshet_changes' }
  return compileQuery(facts, planned, types, target, { smallDeltaRows: 1_000 })
}

export function statementOf({ refresh }: Compiled, variant: RefreshVariant): string {
  if (refresh === null) throw new Error('the query is only computed as a whole')
  return refreshCompiler(refresh).statement(variant)
}

/** The named parts of the refresh statement for many changes, which has no limits in it. */
export function partsOf(
  compiled: Compiled,
  changed: ReadonlySet<string> = new Set(compiled.sources.map((source) => source.stableName)),
  extent: Extent = 'many',
): Map<string, string> {
  const statement = statementOf(compiled, { changed, extent, emits: false })
  const parts = statement
    .replace(/^with /, '')
    .matchAll(/^(?:"((?:[^"]|"")+)"|(\w+)) as (?:(?:not )?materialized )?\(\n([\s\S]*?)\n\)/gm)
  return new Map(
    [...parts].map(([, quoted, plain = '', body = '']) => [quoted ?? plain, body.replaceAll(/^ {2}/gm, '')]),
  )
}

/** Some of the parts, as text: `-- name` and its query. */
export function sqlOf(compiled: Compiled, ...names: readonly string[]): string {
  const parts = partsOf(compiled)
  return names
    .map((name) => {
      const body = parts.get(name)
      if (body === undefined) throw new Error(`there is no part ${name}, but ${[...parts.keys()].join(' | ')}`)
      return `-- ${name}\n${body}`
    })
    .join('\n\n')
}
