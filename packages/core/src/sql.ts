/**
 * SQL as a value. A statement is its text and its parameters; building one and running one never meet.
 *
 * The template puts values into `values` and fragments into the text:
 *
 *   sql`select * from ${identifier('public', 'orders')} where id = ${42}`
 *     → { text: 'select * from public.orders where id = $1', values: [42] }
 */
export interface Sql {
  readonly text: string
  readonly values: readonly unknown[]
}

const FRAGMENT = Symbol('freshet.sql.fragment')

/** A piece of SQL that may hold parameters; composes inside the template. */
export interface Fragment extends Sql {
  readonly [FRAGMENT]: { readonly strings: readonly string[]; readonly values: readonly unknown[] }
}

function fragment(strings: readonly string[], values: readonly unknown[]): Fragment {
  let text = strings[0] ?? ''
  for (let i = 0; i < values.length; i++) text += `$${i + 1}${strings[i + 1] ?? ''}`
  return Object.freeze({ text, values, [FRAGMENT]: { strings, values } })
}

function isFragment(value: unknown): value is Fragment {
  return typeof value === 'object' && value !== null && FRAGMENT in value
}

/** The template: fragments are spliced, every other value becomes a parameter. */
export function sql(strings: TemplateStringsArray, ...inputs: readonly unknown[]): Fragment {
  return compose(
    inputs.flatMap((input, i) => [input, raw(strings[i + 1] ?? '')]),
    strings[0],
  )
}

/** Puts parts behind each other; the texts around `values` are one more than the values. */
function compose(parts: readonly unknown[], first = ''): Fragment {
  const strings = [first]
  const values: unknown[] = []
  for (const part of parts) {
    const piece = isFragment(part) ? part[FRAGMENT] : { strings: ['', ''], values: [part] }
    const [head = '', ...tail] = piece.strings
    strings[strings.length - 1] += head
    strings.push(...tail)
    values.push(...piece.values)
  }
  return fragment(strings, values)
}

/** Text that is already SQL: a compiler's output, never a user's input. */
export function raw(text: string): Fragment {
  return fragment([text], [])
}

/** `"schema"."table"`, each part quoted where it must be. */
export function identifier(...parts: readonly string[]): Fragment {
  return raw(parts.map(quoteIdentifier).join('.'))
}

/** A string literal in the text, for statements that take no parameters (DDL). */
export function literal(value: string): Fragment {
  return raw(quoteLiteral(value))
}

export function join(fragments: readonly Fragment[], separator = ', '): Fragment {
  const between = raw(separator)
  return compose(fragments.flatMap((one, i) => (i === 0 ? [one] : [between, one])))
}

const PLAIN = /^[a-z_][a-z0-9_]*$/

/**
 * Quotes an identifier unless it is a plain lower-case word that no PostgreSQL from 15 to 18 takes for a keyword where
 * a name may stand. Unlike `quote_ident` it prints the same on every version, so that generated SQL can be compared.
 */
export function quoteIdentifier(name: string): string {
  if (name.includes('\0')) throw new TypeError('an identifier can not contain a null byte')
  return PLAIN.test(name) && !KEYWORDS.has(name) ? name : `"${name.replaceAll('"', '""')}"`
}

export function quoteLiteral(value: string): string {
  if (value.includes('\0')) throw new TypeError('a literal can not contain a null byte')
  const quoted = `'${value.replaceAll("'", "''")}'`
  return value.includes('\\') ? ` E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** Every keyword of PostgreSQL 15 to 18 that is not "unreserved", and the few unreserved ones that read badly bare. */
const KEYWORDS = new Set(
  `all analyse analyze and any array as asc asymmetric authorization between bigint binary bit boolean both
  case cast char character check coalesce collate collation column concurrently constraint create cross
  current_catalog current_date current_role current_schema current_time current_timestamp current_user dec decimal
  default deferrable desc distinct do else end except exists extract false fetch float for foreign freeze from full
  grant greatest group grouping having ilike in initially inner inout int integer intersect interval into is isnull
  join json json_array json_arrayagg json_exists json_object json_objectagg json_query json_scalar json_serialize
  json_table json_value lateral leading least left like limit localtime localtimestamp merge_action national natural
  nchar none normalize not notnull null nullif numeric offset on only or order out outer overlaps overlay placing
  position precision primary real references returning right row select session_user setof similar smallint some
  substring symmetric system_user table tablesample then time timestamp to trailing treat trim true union unique user
  using values varchar variadic verbose when where window with xmlattributes xmlconcat xmlelement xmlexists xmlforest
  xmlnamespaces xmlparse xmlpi xmlroot xmlserialize xmltable year month day hour minute second name value type`.split(
    /\s+/,
  ),
)
