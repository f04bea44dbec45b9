import type { TypeFacts } from '@freshet/dvm'

/**
 * How far the equality of a type tells its values apart, and `canonical`: an expression over `$` whose binary image is equal
 * exactly when the values are. Null where none is known: of a type that is not PostgreSQL's own, of text under a
 * non-deterministic collation. What is made of other types has one if they have.
 */
export type Identity = Pick<TypeFacts, 'equality' | 'canonical'>

export const EXACT: Identity = { equality: 'exact', canonical: '$' }
export const UNKNOWN: Identity = { equality: 'coarse', canonical: null }
export const NO_EQUALITY: Identity = { equality: 'none', canonical: null }

const COLLATED = new Set(['text', 'varchar', 'name'])
const EXACT_TYPES = new Set(
  `bool int2 int4 int8 oid char date timestamp timestamptz time timetz uuid bytea inet cidr macaddr macaddr8 money bit
  varbit pg_lsn xid8 tid tsvector`.split(/\s+/),
)
/** Numbers in a jsonb are numerics, and 1.0 equals 1.00: zeros at their ends are cut off, outside of strings. */
const CANONICAL: Readonly<Record<string, string>> = {
  numeric: 'trim_scale($)',
  float4: '($ + 0::real)',
  float8: '($ + 0::double precision)',
  interval: 'justify_interval($)',
  bpchar: '($)::text',
  jsonb: String.raw`pg_catalog.regexp_replace(($)::text, '("(?:[^"\\]|\\.)*")|(\d+)(?:\.0+|(\.\d*[1-9])0+)(?!\d)', '\1\2\3', 'g')`,
}

/** Of a type of PostgreSQL's own that is not made of others. */
export function identityOf(name: string, isOrdered: boolean, isDeterministic: boolean): Identity {
  if (COLLATED.has(name)) return isDeterministic ? EXACT : UNKNOWN
  if (EXACT_TYPES.has(name)) return EXACT
  const canonical = CANONICAL[name]
  if (canonical !== undefined) return { equality: 'coarse', canonical }
  return isOrdered ? UNKNOWN : NO_EQUALITY
}

/** Its dimensions with their bounds, and the elements. */
export function identityOfArray(element: Identity): Identity {
  // in the list of what is selected: in FROM, unnest would take composite elements apart
  const elements = 'select unnest($) as e, generate_series(1, cardinality($)) as i'
  return madeOf([element], ([of]) => row(['array_dims($)', eachOf(`(${elements}) u`, of)]))
}

export function identityOfRange(subtype: Identity): Identity {
  return madeOf([subtype], ([of]) => rangeOf(of))
}

export function identityOfMultirange(subtype: Identity): Identity {
  return madeOf([subtype], ([of]) => row([eachOf('unnest($) with ordinality as u (e, i)', rangeOf(of))]))
}

/** Two nulls in the same field are equal, as composite types compare them. */
export function identityOfComposite(
  fields: readonly { readonly name: string; readonly identity: Identity }[],
): Identity {
  return madeOf(
    fields.map(({ identity }) => identity),
    (canonicals) => row(fields.map(({ name }, i) => of(canonicals[i] ?? '$', `($).${name}`))),
  )
}

function madeOf(parts: readonly Identity[], canonical: (canonicals: readonly string[]) => string): Identity {
  if (parts.some(({ equality }) => equality === 'none')) return NO_EQUALITY
  if (parts.every(({ equality }) => equality === 'exact')) return EXACT
  const canonicals = parts.flatMap((part) => part.canonical ?? [])
  return canonicals.length < parts.length ? UNKNOWN : { equality: 'coarse', canonical: canonical(canonicals) }
}

function of(canonical: string, value: string): string {
  return canonical.replaceAll('$', () => value)
}

function rangeOf(canonical = '$'): string {
  const bounds = ['isempty($)', 'lower_inc($)', 'upper_inc($)', 'lower_inf($)', 'upper_inf($)']
  return row([...bounds, of(canonical, 'lower($)'), of(canonical, 'upper($)')])
}

function eachOf(elements: string, canonical = '$'): string {
  return `array(select ${of(canonical, 'u.e')} from ${elements} order by u.i)`
}

/** Null for null. A composite value is `is null` also if all of its fields are. */
function row(values: readonly string[]): string {
  return `case when $ is distinct from null then row(${values.join(', ')}) end`
}
