import type { Ast } from '../ast.ts'
import { Unsupported } from '../unsupported.ts'
import { asks } from './conditions.ts'
import { dependentJoin, dependsOn } from './dependent-join.ts'
import type { Environment, QueryAnalyser, Source } from './level.ts'
import { join, type Join, type Plan } from './plan.ts'
import { wherePlan, withSubqueries } from './subqueries.ts'

/**
 * JOIN … ON. Between inner joins ON is a WHERE. In an outer join a condition that asks a subquery is answered on the
 * side that the subquery names, as a mark that the join then compares; a subquery that names both sides makes the
 * nullable side a lateral one:
 *
 *   R ⟕ S on p(R, S)   =   R ⟕ᵈ σ_p(S)
 */
export function conditionedJoin(
  analyser: QueryAnalyser,
  type: Join['type'],
  sides: {
    readonly left: Source
    /** With the scope in which both sides are known. */
    readonly right: Source
    readonly equalities: readonly Ast[]
    readonly quals: readonly Ast[]
  },
  environment: Environment,
): Plan {
  const { left, right, equalities, quals } = sides
  const { scope } = right
  if (!quals.some(asks)) {
    const conditions = [...equalities, ...quals.map((qual) => analyser.expression(qual, scope))]
    return type === 'full'
      ? join(left.plan, right.plan, conditions, type)
      : dependentJoin(analyser, left.plan, right.plan, conditions, type)
  }
  if (type === 'inner') {
    const source = { plan: dependentJoin(analyser, left.plan, right.plan, equalities, type), scope }
    return analyser.where({ whereClause: allOf(quals) }, source, environment)
  }
  const answered = answeredBySides(analyser, sides, environment)
  if (answered !== undefined) {
    const conditions = [...equalities, ...answered.conditions]
    return type === 'full'
      ? join(answered.left, answered.right, conditions, type)
      : dependentJoin(analyser, answered.left, answered.right, conditions, type)
  }
  if (type === 'full')
    throw new Unsupported('SUBQUERY_EXPRESSION', 'a subquery of both sides in the condition of a full join')
  const filtered = wherePlan(analyser, allOf(quals), { plan: right.plan, scope }, environment)
  return dependentJoin(analyser, left.plan, filtered, equalities, type)
}

function answeredBySides(
  analyser: QueryAnalyser,
  { left, right, quals }: Parameters<typeof conditionedJoin>[2],
  environment: Environment,
): { readonly left: Plan; readonly right: Plan; readonly conditions: readonly Ast[] } | undefined {
  const { scope } = right
  let plans = { left: left.plan, right: right.plan }
  const conditions: Ast[] = []
  for (const qual of quals) {
    if (!asks(qual)) {
      conditions.push(analyser.expression(qual, scope))
      continue
    }
    const onRight = withSubqueries(analyser, qual, { plan: plans.right, scope }, environment)
    if (!dependsOn(onRight.plan, plans.left)) {
      plans = { ...plans, right: onRight.plan }
      conditions.push(onRight.expression)
      continue
    }
    const onLeft = withSubqueries(analyser, qual, { plan: plans.left, scope }, environment)
    if (dependsOn(onLeft.plan, plans.right)) return undefined
    plans = { ...plans, left: onLeft.plan }
    conditions.push(onLeft.expression)
  }
  return { ...plans, conditions }
}

function allOf(quals: readonly Ast[]): Ast {
  const [only] = quals
  return quals.length === 1 && only !== undefined ? only : { BoolExpr: { boolop: 'AND_EXPR', args: quals } }
}
