import { as, columnRef, isObject, type Ast } from '../ast.ts'
import { withoutGroup } from './aggregation.ts'
import { Binder, Unbindable, type Binding, type Bound } from './bind.ts'
import { domain, innerKeys, onDomain, onInnerKeys, outerRows } from './domain.ts'
import { freeColumns } from './free-columns.ts'
import type { QueryAnalyser } from './level.ts'
import { filter, join, project, type Aggregate, type Join, type Plan } from './plan.ts'

/**
 * A plan that names columns of the plan on its left, as a lateral subquery does, or any subquery that says more of the
 * query around it than its WHERE can give up:
 *
 *   R ⋈ᵈ S = R ⋈ (D ⋈ᵈ S) on the key of D        D: the rows, or the different values, of R that S names
 *
 * See `bind.ts` for how D goes down into S, and `domain.ts` for what stands for D.
 */
export function dependentJoin(
  analyser: QueryAnalyser,
  left: Plan,
  right: Plan,
  conditions: readonly Ast[],
  type: Extract<Join['type'], 'inner' | 'left'>,
): Plan {
  if (!dependsOn(right, left)) return join(left, right, conditions, type)
  const always = conditions.every(isTrue)
  if (type === 'inner' || (always && isOneRow(right))) {
    const rows = attempt(() => rowByRow(analyser, left, right, conditions))
    if (rows !== undefined) return rows
  }
  const chain = chainOf(right)
  if (chain !== undefined && (type === 'inner' || (always && !chain.filters)))
    return overGroups(
      analyser,
      left,
      right,
      chain.aggregate,
      conditions.filter((condition) => !isTrue(condition)),
    )
  const bound = boundTo(analyser, left, right)
  return join(left, bound.plan, [...bound.conditions, ...conditions.filter((condition) => !isTrue(condition))], type)
}

/** The right side for all rows of the left at once, and the conditions that say which of its rows are for which. */
export function boundTo(
  analyser: QueryAnalyser,
  left: Plan,
  right: Plan,
  bind: (binder: Binder) => Bound = (binder) => binder.bind(right),
): { readonly plan: Plan; readonly conditions: readonly Ast[] } {
  const byKeys = innerKeys(left, analyser.facts, analyser.names)
  const inner = attempt(() => bind(new Binder(byKeys, analyser.names)))
  if (inner !== undefined) return { plan: inner.plan, conditions: onInnerKeys(byKeys, inner) }
  const ofLeft = domain(left, right, analyser.names)
  const bound = bind(new Binder(ofLeft, analyser.names))
  return { plan: bound.plan, conditions: onDomain(ofLeft, bound) }
}

export function dependsOn(inner: Plan, outer: Plan): boolean {
  const free = freeColumns(inner)
  return outer.columns.some((column) => free.has(column.name))
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (error instanceof Unbindable) return undefined
    throw error
  }
}

/** Nothing has to tell the outer rows apart: the inner plan is laid over them. */
function rowByRow(analyser: QueryAnalyser, left: Plan, right: Plan, conditions: readonly Ast[]): Plan {
  const binding: Binding = outerRows(left)
  const bound = new Binder(binding, analyser.names).bind(right)
  const own = left.columns.map((column, i) => ({ ...column, expression: columnRef(bound.keys[i] ?? column.name) }))
  const added = right.columns.map((column) => ({ ...column, expression: columnRef(column.name) }))
  return filter(
    project(bound.plan, [...own, ...added]),
    conditions.filter((condition) => !isTrue(condition)),
  )
}

/** `(select f(x), count(*) from S where S.k = R.k)`: R ⟕ γ_k(S), where a row without a group sees f of nothing. */
function overGroups(
  analyser: QueryAnalyser,
  left: Plan,
  right: Plan,
  aggregate: Aggregate,
  conditions: readonly Ast[],
): Plan {
  if (!dependsOn(aggregate, left)) {
    // only what stands above the aggregate names the left: that one row is for all
    return filter(above(right, left, join(left, aggregate, []), new Set()), conditions)
  }
  const groups = boundTo(analyser, left, aggregate, (binder) => binder.grouped(aggregate))
  const joined = join(left, groups.plan, groups.conditions, 'left')
  return filter(above(right, left, joined, new Set(aggregate.calls)), conditions)
}

/** The projections and filters over an aggregate once more, over the rows of the left beside their group. */
function above(plan: Plan, left: Plan, base: Plan, calls: ReadonlySet<Aggregate['calls'][number]>): Plan {
  const seen = (expression: Ast) => withoutGroup(expression, [...calls])
  switch (plan.kind) {
    case 'filter': {
      const inner = overCalls(plan.input)
      return filter(above(plan.input, left, base, calls), inner ? plan.predicates.map(seen) : plan.predicates)
    }
    case 'project': {
      const inner = overCalls(plan.input)
      const own = left.columns.map((column) => ({ ...column, expression: columnRef(column.name) }))
      const items = plan.items.map((item, i) => ({
        name: item.name,
        expression: inner ? seen(item.expression) : item.expression,
        notNull: plan.columns[i]?.notNull === true,
      }))
      return project(above(plan.input, left, base, calls), [...own, ...items])
    }
    default:
      return base
  }
}

/** Whether only filters stand between a plan and its aggregate. */
function overCalls(plan: Plan): boolean {
  return plan.kind === 'aggregate' || (plan.kind === 'filter' && overCalls(plan.input))
}

/** Projections and filters over one aggregate without groups. */
function chainOf(plan: Plan): { readonly aggregate: Aggregate; readonly filters: boolean } | undefined {
  if (plan.kind === 'aggregate') return plan.keys.length === 0 ? { aggregate: plan, filters: false } : undefined
  if (plan.kind === 'project') return plan.expands ? undefined : chainOf(plan.input)
  if (plan.kind !== 'filter') return undefined
  const chain = chainOf(plan.input)
  return chain === undefined ? undefined : { ...chain, filters: true }
}

/** A projection of nothing: exactly one row, whatever is outside. */
function isOneRow(plan: Plan): boolean {
  if (plan.kind === 'project') return !plan.expands && isOneRow(plan.input)
  return plan.kind === 'constant' && plan.columns.length === 0
}

function isTrue(condition: Ast): boolean {
  const value = as('A_Const', condition)?.['boolval']
  return isObject(value) && value['boolval'] === true
}
