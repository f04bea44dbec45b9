import { strings, walkLevel, type Json, type JsonObject } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'

/** A function's name as `FunctionFacts` has it. */
export function functionName(call: JsonObject): string {
  const names = strings(call['funcname'])
  return (names[0] === 'pg_catalog' ? names.slice(1) : names).join('.')
}

export function isAggregateCall(call: JsonObject, facts: QueryFacts): boolean {
  if (call['over'] !== undefined) return false
  const name = functionName(call)
  // ARRAY(select …) is made one, whether or not the query calls it by name
  return name === 'array_agg' || facts.functions.some((known) => known.aggregate && known.name === name)
}

/** Whether an expression of a select list makes several rows of one. */
export function returnsSet(expression: Json | undefined, facts: QueryFacts): boolean {
  const names = new Set(facts.functions.filter((known) => known.setReturning).map((known) => known.name))
  let found = false
  walkLevel(expression, (type, body) => {
    if (type === 'FuncCall' && names.has(functionName(body))) found = true
  })
  return found
}

/** Whether a SELECT makes several rows of one, by a target or by what it is sorted by. */
export function makesSets(select: JsonObject, facts: QueryFacts): boolean {
  return returnsSet(select['targetList'], facts) || returnsSet(select['sortClause'], facts)
}
