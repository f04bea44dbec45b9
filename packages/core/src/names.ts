import { FreshetError } from './errors.ts'
import { type Fragment, identifier } from './sql.ts'

/**
 * Stable names.
 *
 *   stable name = hex(FNV-1a-64(utf8(canon(schema) . canon(table))))
 *
 * They follow from schema and table alone, so they are the same on every node and after dump and restore;
 * `freshet.stable_name()` computes the same value in SQL. `canon` leaves plain lower-case words as they are and quotes
 * everything else. It is not `quote_ident`: that one also quotes keywords, and its list of keywords changes between
 * major versions, while a stable name must not.
 */
export interface SourceIdentifier {
  /** A cache, looked up again when it does not fit. */
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly stableName: string
}

/** A name as a user gave it, case folded and unquoted. */
export interface ParsedName {
  readonly schema: string | null
  readonly table: string
}

export const CATALOG_SCHEMA = 'freshet'
export const CHANGES_SCHEMA = 'freshet_changes'

/** Bytes of an identifier that PostgreSQL keeps (NAMEDATALEN − 1). */
export const MAX_NAME_BYTES = 63

const CANONICAL = /^[a-z_][a-z0-9_$]*$/
const OFFSET_BASIS = 0xcbf29ce484222325n
const PRIME = 0x100000001b3n
const MASK = 0xffffffffffffffffn

export function canon(name: string): string {
  return CANONICAL.test(name) ? name : `"${name.replaceAll('"', '""')}"`
}

/** FNV-1a, 64 bits, of the text's UTF-8 bytes, as 16 lower-case hexadecimal digits. */
export function fnv1a64(text: string): string {
  let hash = OFFSET_BASIS
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * PRIME) & MASK
  return hash.toString(16).padStart(16, '0')
}

export function stableName(schema: string, table: string): string {
  return fnv1a64(`${canon(schema)}.${canon(table)}`)
}

export function sourceIdentifier(oid: number, schema: string, table: string): SourceIdentifier {
  return { oid, schema, table, stableName: stableName(schema, table) }
}

export function bufferName(stableName: string): string {
  return `changes_${stableName}`
}

/** The change buffer of a source, as SQL. */
export function bufferTable(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, bufferName(stableName))
}

/** How many rows the change buffer has, without reading them, as SQL. */
export function bufferSizes(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `sizes_${stableName}`)
}

/** `schema.table`, each part quoted where it must be: how names are shown, and accepted again. */
export function displayName(name: { readonly schema: string; readonly table: string }): string {
  return `${canon(name.schema)}.${canon(name.table)}`
}

/** A stable name belongs to one relation: throws when `taken` and `wanted` are different relations with the same one. */
export function refuseCollision(
  taken: { readonly schema: string; readonly table: string; readonly stableName: string },
  wanted: { readonly schema: string; readonly table: string; readonly stableName: string },
): void {
  if (taken.stableName !== wanted.stableName) return
  if (taken.schema === wanted.schema && taken.table === wanted.table) return
  throw new FreshetError(
    'NAME_COLLISION',
    `${displayName(wanted)} would get the stable name ${wanted.stableName}, which ${displayName(taken)} has`,
    { detail: 'A source keeps its stable name when it is renamed.' },
  )
}

const PART = /\s*(?:"((?:[^"]|"")*)"|([\p{L}_\u0080-\uffff][\p{L}\p{N}_$\u0080-\uffff]*))\s*/uy

/** Reads `table` or `schema.table` in SQL's notation: unquoted parts fold to lower case (ASCII letters only, as PostgreSQL does). */
export function parseName(text: string): ParsedName {
  const invalid = (detail: string) => new FreshetError('INVALID_NAME', `invalid name: ${text}`, { detail })
  const parts: string[] = []
  let at = 0
  for (;;) {
    PART.lastIndex = at
    const match = PART.exec(text)
    if (match === null)
      throw invalid(at >= text.length ? 'A part of the name is missing.' : `Unexpected at position ${at + 1}.`)
    const part = match[1]?.replaceAll('""', '"') ?? foldCase(match[2] ?? '')
    parts.push(checkName(part))
    at = PART.lastIndex
    if (at === text.length) break
    if (text[at] !== '.') throw invalid(`Unexpected “${text[at]}” at position ${at + 1}.`)
    at++
  }
  const [first, second, third] = parts
  if (first === undefined || third !== undefined) throw invalid('A name has one or two parts.')
  return second === undefined ? { schema: null, table: first } : { schema: first, table: second }
}

/** Checks one part of a name; returns it. */
export function checkName(name: string): string {
  if (name === '') throw new FreshetError('INVALID_NAME', 'a name can not be empty')
  if (name.includes('\0')) throw new FreshetError('INVALID_NAME', 'a name can not contain a null character')
  if (/\p{Surrogate}/u.test(name))
    throw new FreshetError('INVALID_NAME', 'a name can not contain half a surrogate pair')
  const bytes = new TextEncoder().encode(name).length
  if (bytes > MAX_NAME_BYTES) {
    throw new FreshetError('NAME_TOO_LONG', `the name ${name} has ${bytes} bytes, ${bytes - MAX_NAME_BYTES} too many`)
  }
  return name
}

function foldCase(word: string): string {
  return word.replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase())
}
