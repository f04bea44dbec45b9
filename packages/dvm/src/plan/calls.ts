import { strings, type JsonObject } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'

/** A function's name as `FunctionFacts` has it. */
export function functionName(call: JsonObject): string {
  const names = strings(call['funcname'])
  return (names[0] === 'pg_catalog' ? names.slice(1) : names).join('.')
}

export function isAggregateCall(call: JsonObject, facts: QueryFacts): boolean {
  if (call['over'] !== undefined) return false
  const name = functionName(call)
  return facts.functions.some((known) => known.aggregate && known.name === name)
}
