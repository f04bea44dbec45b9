import { columnRef, fingerprint, rebuild, soleColumn, type Ast } from '../ast.ts'
import { aggregated, PENDING_SUBQUERY } from './aggregation.ts'
import { isAggregateCall } from './calls.ts'
import { withGroupingValue, withNulls } from './grouping-sets.ts'
import type { Environment, QueryAnalyser } from './level.ts'
import type { Column } from './column.ts'
import { filter, join, project, type Item, type Plan } from './plan.ts'
import { renamed, type Scope } from './scope.ts'
import { afterGrouping } from './subqueries.ts'
import { hasWindow } from './windows.ts'

/** What GROUP BY and HAVING are given: expressions over the rows that WHERE left. */
export interface Grouped {
  readonly input: Plan
  readonly targets: readonly Item[]
  readonly having: readonly Ast[]
  readonly scope: Scope
}

export function inGroups(
  analyser: QueryAnalyser,
  query: Grouped & { readonly grouping: readonly Ast[] },
  environment: Environment,
  beside: Plan | null = null,
): readonly [Plan, readonly Item[]] {
  const grouped = aggregated({ ...query, facts: analyser.facts, names: analyser.names })
  let plan: Plan = beside === null ? grouped.plan : join(grouped.plan, beside, [FALSE], 'left')
  const above = (expression: Ast): Ast => {
    const result = afterGrouping(analyser, expression, { plan, scope: query.scope }, environment)
    plan = result.plan
    return result.expression
  }
  const conditions = grouped.having.map(above)
  plan = filter(plan, conditions)
  // what a target asks joins the plan, which is therefore read last
  const targets = grouped.targets.map((target) => ({ name: target.name, expression: above(target.expression) }))
  return [plan, targets]
}

/** One grouping a set; what a set leaves out is null, typed by a join on false with the input. */
export function inSets(
  analyser: QueryAnalyser,
  query: Grouped & { readonly sets: readonly (readonly Ast[])[] },
  environment: Environment,
): readonly [Plan, readonly Item[]] {
  const all = new Map(query.sets.flat().map((expression) => [fingerprint(expression), expression]))
  if (query.targets.some((target) => hasWindow(target.expression)))
    return inSetsBelowWindows(analyser, query, all, environment)
  const levels = query.sets.map((set) => {
    const present = new Set(set.map(fingerprint))
    const absent = [...all].filter(([print]) => !present.has(print))
    const nulls = absent.map(([, expression]) => ({
      name: analyser.names.fresh('left_out'),
      expression,
      notNull: false,
    }))
    const columns = new Map(absent.map(([print], i) => [print, columnRef(nulls[i]?.name ?? '')]))
    const fit = (expression: Ast) => withNulls(withGroupingValue(expression, set, all), set, columns, analyser.facts)
    const targets = query.targets.map((target) => ({ name: target.name, expression: fit(target.expression) }))
    const having = query.having.map(fit)
    const beside = absent.length === 0 ? null : project(query.input, nulls)
    const seen = absent.flatMap(([, expression], i) => [[soleColumn(expression) ?? '', nulls[i]?.name ?? ''] as const])
    return inGroups(
      analyser,
      { ...query, targets, having, grouping: set, scope: renamed(query.scope, new Map(seen)) },
      environment,
      beside,
    )
  })
  const columns = query.targets.map((target): Column => ({ name: analyser.names.fresh(target.name), notNull: false }))
  const inputs = levels.map(([plan, items]) =>
    project(
      plan,
      items.map((item, i) => ({ ...item, name: columns[i]?.name ?? item.name, notNull: false })),
    ),
  )
  const outputs = query.targets.map((target, i): Item => ({
    name: target.name,
    expression: columnRef(columns[i]?.name ?? ''),
  }))
  return [{ kind: 'union-all', inputs, columns }, outputs]
}

/** A window sees the groups of all sets: what its query needs of a group becomes a column first. */
function inSetsBelowWindows(
  analyser: QueryAnalyser,
  query: Grouped & { readonly sets: readonly (readonly Ast[])[] },
  keys: ReadonlyMap<string, Ast>,
  environment: Environment,
): readonly [Plan, readonly Item[]] {
  const parts = new Map<string, Item>()
  const targets = query.targets.map((target) => ({
    name: target.name,
    expression: rebuild(target.expression, (type, body, node) => {
      const print = fingerprint(node)
      const ofGroup =
        keys.has(print) ||
        type === 'ColumnRef' ||
        type === 'GroupingFunc' ||
        type === PENDING_SUBQUERY ||
        (type === 'FuncCall' && isAggregateCall(body, analyser.facts))
      if (!ofGroup) return undefined
      const part = parts.get(print) ?? { name: analyser.names.fresh('part'), expression: node }
      parts.set(print, part)
      return columnRef(part.name)
    }),
  }))
  const [plan, columns] = inSets(analyser, { ...query, targets: [...parts.values()] }, environment)
  const shown = project(
    plan,
    columns.map((column) => ({ ...column, notNull: false })),
  )
  return [shown, targets]
}

const FALSE: Ast = { A_Const: { boolval: {} } }
