import { soleColumn } from '../ast.ts'
import type { Plan, Stateful } from './plan.ts'

/** By stable name: the column that distributes a source. */
export type Distribution = ReadonlyMap<string, string>

/**
 * The columns of a plan by whose value it is known on which shard a row is computed: those that show, unchanged, the column
 * that distributes a source. Rows with one value of such a column follow from rows with that value, of all sources; whether
 * joins keep to it, Citus is asked.
 */
function shardColumns(plan: Plan, distribution: Distribution): readonly string[] {
  const below = (input: Plan) => shardColumns(input, distribution)
  switch (plan.kind) {
    case 'scan': {
      const column = distribution.get(plan.relation.stableName)
      return plan.columns.flatMap(({ name }, i) => (plan.sourceColumns[i] === column ? [name] : []))
    }
    case 'filter':
    case 'expand':
      return below(plan.input)
    case 'project': {
      const known = below(plan.input)
      return plan.items.flatMap(({ name, expression }) => (known.includes(soleColumn(expression) ?? '') ? [name] : []))
    }
    case 'join':
      // the nulls of an outer join are of no shard
      return [...(plan.type === 'full' ? [] : below(plan.left)), ...(plan.type === 'inner' ? below(plan.right) : [])]
    case 'semi-join':
      return below(plan.left)
    case 'union-all': {
      const [first = [], ...others] = plan.inputs.map(below)
      return first.filter((name) => others.every((names) => names.includes(name)))
    }
    case 'aggregate':
      return below(plan.input).filter((name) => plan.keys.includes(name))
    case 'partitioned': {
      const known = below(plan.input)
      // else a partition has rows of several shards
      return plan.keys.some((key) => known.includes(key)) ? known : []
    }
    case 'constant':
    case 'recursion':
    case 'working-table':
      return []
  }
}

/** The column by which the state of a stage can lie beside the shards from which it follows: one of its keys. */
export function shardColumnOf(node: Stateful, distribution: Distribution): string | undefined {
  if (node.kind === 'recursion') return undefined
  const known = shardColumns(node, distribution)
  return node.keys.find((key) => known.includes(key) && node.columns.some(({ name }) => name === key))
}
