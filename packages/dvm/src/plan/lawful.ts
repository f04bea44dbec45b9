import { walk, type Ast } from '../ast.ts'
import type { QueryFacts } from '../facts.ts'
import { Unsupported } from '../unsupported.ts'
import { functionName } from './calls.ts'
import { expressionsOf } from './free-columns.ts'
import { inputsOf, type Plan, type Query } from './plan.ts'

/**
 * The last gate of the analysis. The laws of filters, projections and joins hold for expressions over one row; a window
 * function or a set-returning function that slipped into one would be wrong without a sound. So each expression of a
 * finished plan is looked at once more.
 */
export function requireLawful(query: Query, facts: QueryFacts): void {
  const setReturning = new Set(facts.functions.filter((known) => known.setReturning).map((known) => known.name))
  const check = (expressions: readonly Ast[], sets: boolean) => {
    walk(expressions, (type, body) => {
      if (type === 'SubLink') throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery inside an expression')
      if (type !== 'FuncCall') return
      const name = functionName(body)
      if (body['over'] !== undefined)
        throw new Unsupported('WINDOW_FUNCTION', `the window function ${name} in this place`)
      if (!sets && setReturning.has(name))
        throw new Unsupported('SET_RETURNING_FUNCTION', `the set-returning function ${name} in this place`)
    })
  }
  const visit = (plan: Plan): void => {
    if (plan.kind !== 'partitioned')
      check(expressionsOf(plan), plan.kind === 'expand' || (plan.kind === 'project' && plan.expands))
    inputsOf(plan).forEach(visit)
  }
  visit(query.input)
  check(
    query.items.map((item) => item.expression),
    false,
  )
}
