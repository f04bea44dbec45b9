import { quoteIdentifier } from '@freshet/core'
import { as, isObject, strings, text, type Json } from './ast.ts'
import { relationKey } from './facts.ts'
import { parseSelect } from './parse.ts'

/**
 * A query over relations that are called otherwise now, or whose columns are: the same query.
 *
 * Every relation is named anew where it stands in FROM, and gets its old names there as an alias, `sale as
 * sales(id, amount)`: so the rest of the text is right as it is. Column aliases go by position, so there is one for
 * each column that the relation has now.
 */
export interface RenamedRelation {
  readonly schema: string
  readonly table: string
  /** The columns as they are now, in order, each by the position that it had before; null where it is new. */
  readonly columns: readonly { readonly name: string; readonly before: number | null }[]
  /** The names that the columns had, in order. */
  readonly columnsBefore: readonly string[]
}

/** Another relation, with the columns that the one of the query has. */
export function sameColumns(
  { schema, table }: { readonly schema: string; readonly table: string },
  columns: readonly string[],
): RenamedRelation {
  return { schema, table, columns: columns.map((name, before) => ({ name, before })), columnsBefore: columns }
}

/** `renamed` by the old name; see `relationKey`. The text is as PostgreSQL prints it: every relation with its schema. */
export function renameRelations(definition: string, renamed: ReadonlyMap<string, RenamedRelation>): string {
  const bytes = Buffer.from(definition, 'utf8')
  let result = definition
  const places = rangesIn(parseSelect(definition)).toSorted((a, b) => b.at - a.at)
  for (const { at, schema, table, alias, aliases } of places) {
    const relation = renamed.get(relationKey(schema, table))
    if (relation === undefined) continue
    const head = bytes.subarray(0, at).toString('utf8')
    const rest = result.slice(head.length)
    const written = WRITTEN.exec(rest)?.[0] ?? ''
    const known = alias === null ? '' : (ALIAS.exec(rest.slice(written.length))?.[0] ?? '')
    const names = columnNames(relation, aliases)
    const list = names === null ? '' : `(${names.map(quoteIdentifier).join(', ')})`
    const name = `${quoteIdentifier(relation.schema)}.${quoteIdentifier(relation.table)} ${quoteIdentifier(alias ?? table)}`
    result = `${head}${name}${list}${rest.slice(written.length + known.length)}`
  }
  return result
}

const IDENTIFIER = String.raw`(?:"(?:[^"]|"")*"|[^\s"(),.;]+)`
const WRITTEN = new RegExp(String.raw`^${IDENTIFIER}\s*\.\s*${IDENTIFIER}`)
const ALIAS = new RegExp(
  String.raw`^\s+(?:as\s+)?${IDENTIFIER}(?:\s*\(\s*${IDENTIFIER}(?:\s*,\s*${IDENTIFIER})*\s*\))?`,
  'i',
)

/** The aliases that columns need: none, where every one is called as before. */
function columnNames(
  { columns, columnsBefore }: RenamedRelation,
  aliases: readonly string[],
): readonly string[] | null {
  const before = columnsBefore.map((name, position) => aliases[position] ?? name)
  const same =
    aliases.length === 0 && columns.every(({ name, before: at }) => at !== null && columnsBefore[at] === name)
  if (same) return null
  const taken = new Set(before)
  return columns.map(({ name, before: at }) => {
    if (at !== null) return before[at] ?? name
    let free = name
    for (let i = 2; taken.has(free); i++) free = `${name}_${i}`
    taken.add(free)
    return free
  })
}

interface Range {
  /** In bytes. */
  readonly at: number
  readonly schema: string
  readonly table: string
  readonly alias: string | null
  readonly aliases: readonly string[]
}

function rangesIn(value: Json | undefined): readonly Range[] {
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(rangesIn)
  if (!isObject(value)) return []
  const range = as('RangeVar', value)
  const below = Object.values(value).flatMap(rangesIn)
  if (range === undefined || range['schemaname'] === undefined) return below
  const alias = isObject(range['alias']) ? range['alias'] : null
  const place = {
    at: typeof range['location'] === 'number' ? range['location'] : 0,
    schema: text(range['schemaname']),
    table: text(range['relname']),
    alias: alias === null ? null : text(alias['aliasname']),
    aliases: alias === null ? [] : strings(alias['colnames']),
  }
  return [place, ...below]
}
