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
  const texts: string[] = [strings[0] ?? '']
  const values: unknown[] = []
  const append = (text: string) => {
    texts[texts.length - 1] += text
  }
  inputs.forEach((input, i) => {
    if (isFragment(input)) {
      const inner = input[FRAGMENT]
      append(inner.strings[0] ?? '')
      inner.values.forEach((value, j) => {
        values.push(value)
        texts.push(inner.strings[j + 1] ?? '')
      })
    } else {
      values.push(input)
      texts.push('')
    }
    append(strings[i + 1] ?? '')
  })
  return fragment(texts, values)
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
  const [first, ...rest] = fragments
  if (first === undefined) return raw('')
  return rest.reduce((left, right) => sql`${left}${raw(separator)}${right}`, first)
}

const PLAIN = /^[a-z_][a-z0-9_]*$/

/**
 * Quotes an identifier unless it is a plain lower-case word that PostgreSQL can not mistake for a keyword.
 * Quoting a word that needs none is harmless, so every word of up to the longest keyword's kind is quoted
 * when it is on the list of words that are reserved in any place.
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
