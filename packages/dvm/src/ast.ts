/**
 * The scalar side of a plan stays PostgreSQL's own parse tree: plain JSON, never mutated.
 * A node is an object with one key, its type: `{ ColumnRef: { fields: […] } }`.
 */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject
export interface JsonObject {
  readonly [key: string]: Json | undefined
}
export type Ast = JsonObject

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

/** The body of a node when it is of the given type. */
export function as(type: string, node: Json | undefined): JsonObject | undefined {
  if (!isObject(node)) return undefined
  const body = node[type]
  return isObject(body) ? body : undefined
}

export function nodeType(node: Ast): string {
  return Object.keys(node)[0] ?? ''
}

export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : ''
}

/** The members of a list field; an absent field is an empty list. */
export function list(value: Json | undefined): readonly Ast[] {
  return isList(value) ? value.filter(isObject) : []
}

/** The strings of a list of String nodes: names, operators. */
export function strings(value: Json | undefined): string[] {
  return list(value).map((node) => text(as('String', node)?.['sval']))
}

/**
 * Rebuilds a tree. `replace` sees every typed node from the top; what it returns stands in the node's place and is not
 * descended into; `undefined` leaves the node and goes on below it.
 */
export function rebuild(tree: Ast, replace: (type: string, body: JsonObject, node: Ast) => Ast | undefined): Ast {
  const visit = (value: Json): Json => {
    if (isList(value)) return value.map(visit)
    if (!isObject(value)) return value
    const keys = Object.keys(value)
    const only = keys[0]
    if (keys.length === 1 && only !== undefined) {
      const body = value[only]
      if (isObject(body) && /^[A-Z]/.test(only)) {
        const replaced = replace(only, body, value)
        if (replaced !== undefined) return replaced
      }
    }
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, inner === undefined ? null : visit(inner)]),
    )
  }
  const rebuilt = visit(tree)
  if (!isObject(rebuilt)) throw new TypeError('a tree was rebuilt into something else')
  return rebuilt
}

/** Visits every typed node from the top; `false` stops the descent below that node. */
export function walk(tree: Json | undefined, visit: (type: string, body: JsonObject) => boolean | void): void {
  if (tree === undefined) return
  if (isList(tree)) {
    for (const inner of tree) walk(inner, visit)
    return
  }
  if (!isObject(tree)) return
  for (const [key, body] of Object.entries(tree)) {
    if (isObject(body) && /^[A-Z]/.test(key) && visit(key, body) === false) continue
    walk(body, visit)
  }
}

/** Walks what a query computes itself: of a subquery that is what is compared with its rows, and not what is inside. */
export function walkLevel(tree: Json | undefined, visit: (type: string, body: JsonObject) => boolean | void): void {
  walk(tree, (type, body) => {
    if (type !== 'SubLink') return visit(type, body)
    walkLevel(body['testexpr'], visit)
    return false
  })
}

const POSITION = /(^location$|_location$|^stmt_len$|^stmt_location$|list_start$|list_end$)/

/** A canonical text of a tree, positions left out: equal texts are equal trees. */
export function fingerprint(tree: Json | undefined): string {
  if (tree === undefined) return ''
  if (isList(tree)) return `[${tree.map(fingerprint).join(',')}]`
  if (!isObject(tree)) return JSON.stringify(tree)
  const entries = Object.entries(tree)
    .filter(([key, value]) => !POSITION.test(key) && value !== undefined && value !== null)
    .toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  return `{${entries.map(([key, value]) => `${key}:${fingerprint(value)}`).join(',')}}`
}

export function columnRef(name: string): Ast {
  return { ColumnRef: { fields: [{ String: { sval: name } }] } }
}

/** The column's name when the expression is nothing but a reference to one. */
export function soleColumn(expression: Ast): string | undefined {
  const body = as('ColumnRef', expression)
  if (body === undefined) return undefined
  const fields = strings(body['fields'])
  return fields.length === 1 ? fields[0] : undefined
}

/** Names of the columns that an expression of a plan reads. */
export function columnsOf(expression: Ast): Set<string> {
  const names = new Set<string>()
  walk(expression, (type, body) => {
    if (type === 'ColumnRef') for (const name of strings(body['fields'])) names.add(name)
  })
  return names
}
