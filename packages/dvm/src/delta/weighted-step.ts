import type { Column } from '../plan/column.ts'
import { passThrough, type Plan, type WorkingTable } from '../plan/plan.ts'

/**
 * The step of a recursion over rows that carry a weight, which it hands on: `__w` is one more column of it. Null where the
 * step is not linear in the rows of the last round, because an operator on their way looks at several of them at once:
 * then a sum of changes can not be sent through it.
 *
 *   step(W ⊎ D) = step(W) ⊎ step(D)
 */
export function weightedStep(step: Plan): Plan | null {
  return along(
    step,
    (rows) => ({ ...rows, columns: [...rows.columns, WEIGHT], sourceColumns: [...rows.sourceColumns, WEIGHT.name] }),
    [WEIGHT],
  )
}

/** The same step over rows of another name. */
export function stepOver(step: Plan, name: string): Plan | null {
  return along(step, (rows) => ({ ...rows, name }), [])
}

/** The plan with another working table, where it goes row by row from there to the top; `more`: columns to be handed on. */
function along(plan: Plan, leaf: (rows: WorkingTable) => WorkingTable, more: readonly Column[]): Plan | null {
  const columns = [...plan.columns, ...more]
  switch (plan.kind) {
    case 'working-table':
      return leaf(plan)
    case 'filter': {
      const input = along(plan.input, leaf, more)
      return input && { ...plan, input, columns }
    }
    case 'project': {
      const input = along(plan.input, leaf, more)
      return input && { ...plan, input, items: [...plan.items, ...passThrough(more)], columns }
    }
    case 'expand': {
      const input = along(plan.input, leaf, more)
      return input && { ...plan, input, columns }
    }
    case 'semi-join': {
      const left = along(plan.left, leaf, more)
      return left && { ...plan, left, columns }
    }
    case 'join': {
      const left = plan.type === 'full' ? null : along(plan.left, leaf, more)
      if (left !== null) return { ...plan, left, columns }
      const right = plan.type === 'inner' ? along(plan.right, leaf, more) : null
      return right && { ...plan, right, columns }
    }
    case 'scan':
    case 'constant':
    case 'union-all':
    case 'aggregate':
    case 'partitioned':
    case 'recursion':
      return null
  }
}

const WEIGHT: Column = { name: '__w', notNull: true }
