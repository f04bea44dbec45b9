import { columnsOf, type Ast } from '../ast.ts'
import type { Plan } from '../plan/plan.ts'

/** Keeps only the columns that something above reads, down to the scans: what is not read need not be captured. */
export function pruneColumns(plan: Plan, needed: ReadonlySet<string>): Plan {
  switch (plan.kind) {
    case 'constant':
      return plan
    case 'scan': {
      const kept = plan.columns.map((column) => needed.has(column.name))
      return {
        ...plan,
        columns: plan.columns.filter((_, i) => kept[i]),
        sourceColumns: plan.sourceColumns.filter((_, i) => kept[i]),
      }
    }
    case 'filter': {
      const input = pruneColumns(plan.input, new Set([...needed, ...used(plan.predicates)]))
      return { ...plan, input, columns: plan.columns.filter((column) => input.columns.some(({ name }) => name === column.name)) }
    }
    case 'project': {
      // Where an item returns a set, every item counts: dropping one could drop or join rows.
      const items = plan.expands ? plan.items : plan.items.filter((item) => needed.has(item.name))
      const input = pruneColumns(plan.input, used(items.map((item) => item.expression)))
      return { ...plan, input, items, columns: plan.columns.filter((column) => items.some((item) => item.name === column.name)) }
    }
    case 'join': {
      const both = new Set([...needed, ...used(plan.conditions)])
      const left = pruneColumns(plan.left, both)
      const right = pruneColumns(plan.right, both)
      const present = new Set([...left.columns, ...right.columns].map((column) => column.name))
      return { ...plan, left, right, columns: plan.columns.filter((column) => present.has(column.name)) }
    }
    case 'semi-join': {
      const left = pruneColumns(plan.left, new Set([...needed, ...used(plan.conditions)]))
      const right = pruneColumns(plan.right, used(plan.conditions))
      const present = new Set(left.columns.map((column) => column.name))
      return { ...plan, left, right, columns: plan.columns.filter((column) => present.has(column.name) || column.name === plan.mark) }
    }
    case 'union-all':
      return {
        ...plan,
        inputs: plan.inputs.map((input) => pruneColumns(input, needed)),
        columns: plan.columns.filter((column) => needed.has(column.name)),
      }
    case 'expand': {
      const input = pruneColumns(plan.input, new Set([...needed, ...columnsOf(plan.call)]))
      const present = new Set([...input.columns.map((column) => column.name), ...plan.added])
      return { ...plan, input, columns: plan.columns.filter((column) => present.has(column.name)) }
    }
    case 'partitioned': {
      const { transform } = plan
      const calls = transform.kind === 'window' ? transform.calls.filter((call) => needed.has(call.name)) : []
      const read = transform.kind === 'window' ? used(calls.map((call) => call.call)) : used(transform.order)
      const input = pruneColumns(plan.input, new Set([...needed, ...plan.keys, ...read]))
      const present = new Set([...input.columns.map((column) => column.name), ...calls.map((call) => call.name)])
      return {
        ...plan,
        input,
        transform: transform.kind === 'window' ? { kind: 'window', calls } : transform,
        columns: plan.columns.filter((column) => present.has(column.name)),
      }
    }
    case 'aggregate': {
      // Every key splits groups, read or not; calls that nobody reads are dropped.
      const calls = plan.calls.filter((call) => needed.has(call.name))
      const read = new Set([...plan.keys, ...calls.flatMap((call) => [...columnsOf(call.call)])])
      return {
        ...plan,
        input: pruneColumns(plan.input, read),
        calls,
        columns: plan.columns.filter((column) => plan.keys.includes(column.name) || needed.has(column.name)),
      }
    }
  }
}

function used(expressions: readonly Ast[]): Set<string> {
  return new Set(expressions.flatMap((expression) => [...columnsOf(expression)]))
}
