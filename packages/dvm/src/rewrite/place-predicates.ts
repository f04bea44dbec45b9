import { columnsOf, type Ast } from '../ast.ts'
import { filter, join, type Plan } from '../plan/plan.ts'

/**
 * Puts every condition of a cluster of inner joins at the lowest place that has its columns, and orders the joins so
 * that each relation is connected to those before it. A delta that is used twice is materialised, so a condition that
 * stayed above a cross join would make it a product.
 */
export function placePredicates(plan: Plan): Plan {
  switch (plan.kind) {
    case 'scan':
    case 'constant':
      return plan
    case 'filter':
      return rebuildCluster(plan)
    case 'join':
      if (plan.type === 'inner') return rebuildCluster(plan)
      return { ...plan, left: placePredicates(plan.left), right: placePredicates(plan.right) }
    case 'semi-join':
      return { ...plan, left: placePredicates(plan.left), right: placePredicates(plan.right) }
    case 'project':
    case 'aggregate':
    case 'expand':
    case 'partitioned':
      return { ...plan, input: placePredicates(plan.input) }
    case 'union-all':
      return { ...plan, inputs: plan.inputs.map(placePredicates) }
  }
}

interface Leaf {
  readonly plan: Plan
  readonly columns: ReadonlySet<string>
}

function rebuildCluster(plan: Plan): Plan {
  const leaves: Plan[] = []
  const pending: Ast[] = []
  const collect = (node: Plan): void => {
    if (node.kind === 'filter') {
      pending.push(...node.predicates)
      collect(node.input)
    } else if (node.kind === 'join' && node.type === 'inner') {
      pending.push(...node.conditions)
      collect(node.left)
      collect(node.right)
    } else {
      leaves.push(placePredicates(node))
    }
  }
  collect(plan)

  const take = (columns: ReadonlySet<string>): Ast[] => {
    const ready = pending.filter((condition) => {
      const used = [...columnsOf(condition)]
      return used.length > 0 && used.every((name) => columns.has(name))
    })
    for (const condition of ready) pending.splice(pending.indexOf(condition), 1)
    return ready
  }

  const waiting = leaves.map((leaf): Leaf => {
    const columns = new Set(leaf.columns.map((column) => column.name))
    return { plan: filter(leaf, take(columns)), columns }
  })
  const first = waiting.shift()
  if (first === undefined) throw new TypeError('a join without relations')
  let built: Leaf = first
  while (waiting.length > 0) {
    const connected = waiting.findIndex((leaf) => pending.some((condition) => connects(condition, built.columns, leaf.columns)))
    const [next] = waiting.splice(Math.max(connected, 0), 1)
    if (next === undefined) break
    const columns = new Set([...built.columns, ...next.columns])
    built = { plan: join(built.plan, next.plan, take(columns)), columns }
  }
  const kept = new Map(plan.columns.map((column) => [column.name, column]))
  const refined = built.plan.columns.map((column) => kept.get(column.name) ?? column)
  return filter({ ...built.plan, columns: refined }, pending)
}

function connects(condition: Ast, left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  const used = [...columnsOf(condition)]
  const onLeft = used.some((name) => left.has(name))
  const onRight = used.some((name) => right.has(name))
  return onLeft && onRight && used.every((name) => left.has(name) || right.has(name))
}
