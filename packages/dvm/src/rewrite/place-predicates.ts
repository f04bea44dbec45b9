import { columnsOf, type Ast } from '../ast.ts'
import { rejectsNulls } from '../plan/nullability.ts'
import type { Column } from '../plan/column.ts'
import { filter, join, type Join, type Plan, type SemiJoin } from '../plan/plan.ts'

/**
 * Puts every condition of a cluster of joins at the lowest place that has its columns, and orders the inner joins so
 * that each relation is connected to those before it. A delta that is used twice is materialised, so a condition that
 * stayed above a cross join would make it a product.
 *
 * A semi join and a left join change nothing for what stands on their left, so they belong to the cluster too, and go
 * down like conditions, to the lowest place that has the columns they compare:
 *
 *   (R × S) ⋉ T on R = (R ⋉ T) × S        (R × S) ⟕ T on R = (R ⟕ T) × S
 *
 * A left join whose padded rows a condition rejects is an inner join.
 *
 * A plan that is read in several places is rewritten once, and stays one plan.
 */
const placed = new WeakMap<Plan, Plan>()

export function placePredicates(plan: Plan): Plan {
  const known = placed.get(plan)
  if (known !== undefined) return known
  const result = place(plan)
  placed.set(plan, result)
  return result
}

function place(plan: Plan): Plan {
  switch (plan.kind) {
    case 'scan':
    case 'constant':
    case 'working-table':
      return plan
    case 'recursion':
      return { ...plan, base: placePredicates(plan.base), step: placePredicates(plan.step) }
    case 'filter':
    case 'semi-join':
      return rebuildCluster(plan)
    case 'join':
      if (plan.type === 'full') return { ...plan, left: placePredicates(plan.left), right: placePredicates(plan.right) }
      return rebuildCluster(plan)
    case 'project':
    case 'aggregate':
    case 'expand':
    case 'partitioned':
      return { ...plan, input: placePredicates(plan.input) }
    case 'union-all':
      return { ...plan, inputs: plan.inputs.map(placePredicates) }
  }
}

/** What stands beside one of the cluster's relations and compares some columns of it. */
interface Attachment {
  readonly node: SemiJoin | Join
  /** Columns on its left that it compares. None: it goes on top. */
  readonly compares: readonly string[]
}

interface Cluster {
  readonly leaves: Plan[]
  readonly pending: Ast[]
  readonly attachments: Attachment[]
}

interface Leaf {
  readonly plan: Plan
  readonly columns: ReadonlySet<string>
}

function rebuildCluster(plan: Plan): Plan {
  const cluster = collectCluster(plan)
  const { leaves, pending } = cluster
  strengthen(cluster)
  const waiting = leaves.map((leaf) => settle(cluster, placePredicates(leaf), false))
  const first = waiting.shift()
  if (first === undefined) throw new TypeError('a join without relations')
  let built: Leaf = first
  while (waiting.length > 0) {
    const connected = waiting.findIndex((leaf) =>
      pending.some((condition) => connects(condition, built.columns, leaf.columns)),
    )
    const [next] = waiting.splice(Math.max(connected, 0), 1)
    if (next === undefined) break
    const columns = new Set([...built.columns, ...next.columns])
    built = settle(cluster, join(built.plan, next.plan, take(pending, columns)), false)
  }
  built = settle(cluster, built.plan, true)
  const kept = new Map(plan.columns.map((column) => [column.name, column]))
  return filter({ ...built.plan, columns: refined(built.plan.columns, kept) }, pending)
}

function collectCluster(plan: Plan): Cluster {
  const cluster: Cluster = { leaves: [], pending: [], attachments: [] }
  const collect = (node: Plan): void => {
    if (node.kind === 'filter') {
      cluster.pending.push(...node.predicates)
      collect(node.input)
    } else if (node.kind === 'join' && node.type === 'inner') {
      cluster.pending.push(...node.conditions)
      collect(node.left)
      collect(node.right)
    } else if (node.kind === 'semi-join' || (node.kind === 'join' && node.type === 'left')) {
      const own = new Set(node.right.columns.map((column) => column.name))
      const compares = node.conditions.flatMap((condition) =>
        [...columnsOf(condition)].filter((name) => !own.has(name)),
      )
      collect(node.left)
      cluster.attachments.push({ node, compares })
    } else {
      cluster.leaves.push(node)
    }
  }
  collect(plan)
  return cluster
}

/** Left joins whose padded rows a condition rejects become relations of the cluster like any other. */
function strengthen({ leaves, pending, attachments }: Cluster): void {
  for (const attachment of attachments.filter(({ node }) => node.kind === 'join')) {
    const { right, conditions } = attachment.node
    const padded = new Set(right.columns.map((column) => column.name))
    if (!pending.some((condition) => rejectsNulls(condition, padded))) continue
    attachments.splice(attachments.indexOf(attachment), 1)
    leaves.push(right)
    pending.push(...conditions)
  }
}

/** Adds the conditions and the attachments that a plan has the columns for. */
function settle({ pending, attachments }: Cluster, plan: Plan, top: boolean): Leaf {
  let settled = plan
  for (;;) {
    const columns = new Set(settled.columns.map((column) => column.name))
    settled = filter(settled, take(pending, columns))
    const next = attachments.findIndex(
      ({ compares }) => (top || compares.length > 0) && compares.every((name) => columns.has(name)),
    )
    if (next === -1) return { plan: settled, columns }
    const [attachment] = attachments.splice(next, 1)
    if (attachment !== undefined) settled = attach(settled, attachment.node)
  }
}

function attach(left: Plan, node: SemiJoin | Join): Plan {
  const right = placePredicates(node.right)
  if (node.kind === 'join') return join(left, right, node.conditions, node.type)
  const mark = node.columns.filter((column) => column.name === node.mark)
  return { ...node, left, right, columns: [...left.columns, ...mark] }
}

function take(pending: Ast[], columns: ReadonlySet<string>): Ast[] {
  const ready = pending.filter((condition) => {
    const used = [...columnsOf(condition)]
    return used.length > 0 && used.every((name) => columns.has(name))
  })
  for (const condition of ready) pending.splice(pending.indexOf(condition), 1)
  return ready
}

function refined(columns: readonly Column[], kept: ReadonlyMap<string, Column>): readonly Column[] {
  return columns.map((column) => kept.get(column.name) ?? column)
}

function connects(condition: Ast, left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  const used = [...columnsOf(condition)]
  const onLeft = used.some((name) => left.has(name))
  const onRight = used.some((name) => right.has(name))
  return onLeft && onRight && used.every((name) => left.has(name) || right.has(name))
}
