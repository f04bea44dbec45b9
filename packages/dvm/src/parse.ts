import { loadModule, parseSync } from 'pgsql-parser'

import { as, isObject, list, type Ast, type Json } from './ast.ts'

/**
 * PostgreSQL's own grammar. The module is WebAssembly and is loaded once, before the first query is compiled.
 */
let loading: Promise<void> | undefined

export async function loadParser(): Promise<void> {
  loading ??= loadModule()
  await loading
}

/** One SELECT statement's tree. Its text comes from `pg_get_viewdef`, so it always parses; anything else is a fault. */
export function parseSelect(query: string): Ast {
  const parsed = toJson(parseSync(query))
  const [statement, ...others] = list(isObject(parsed) ? parsed['stmts'] : undefined)
  const select = as('SelectStmt', statement?.['stmt'])
  if (select === undefined || others.length > 0) throw new TypeError('expected one select statement')
  return select
}

function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json
}

export type ParsedStatements =
  | { readonly kind: 'statements'; readonly statements: readonly string[]; readonly into: boolean }
  | { readonly kind: 'error'; readonly message: string; readonly position: number | null }

/** What a user's text is, before anything is asked of a server. */
export function parseStatements(query: string): ParsedStatements {
  try {
    const parsed = toJson(parseSync(query))
    const bodies = list(isObject(parsed) ? parsed['stmts'] : undefined).map((statement) => statement['stmt'])
    const select = as('SelectStmt', bodies[0])
    return {
      kind: 'statements',
      statements: bodies.map((body) => (isObject(body) ? (Object.keys(body)[0] ?? '') : '')),
      into: select?.['intoClause'] !== undefined,
    }
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const details = error instanceof Error && 'sqlDetails' in error ? toJson(error.sqlDetails) : null
    const position = isObject(details) ? details['cursorPosition'] : undefined
    return { kind: 'error', message, position: typeof position === 'number' ? position : null }
  }
}
