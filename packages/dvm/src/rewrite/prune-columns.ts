import { columnsOf, type Ast } from '../ast.ts'
import { transformExpressions } from '../plan/free-columns.ts'
import { inputsOf, type Plan } from '../plan/plan.ts'

/**
 * Keeps only the columns that something above reads, down to the scans: what is not read need not be captured.
 *
 * A plan that is read in several places stays one plan, with the columns that any of them reads; so first all needs are
 * gathered, and then every plan is rebuilt once.
 */
export function pruneColumns(plan: Plan, needed: ReadonlySet<string>): Plan {
  const needs = new Map<Plan, Set<string>>()
  gather(plan, needed, needs)
  const rebuilt = new Map<Plan, Plan>()
  const prune = (node: Plan): Plan => {
    const known = rebuilt.get(node)
    if (known !== undefined) return known
    const pruned = pruneNode(node, needs.get(node) ?? new Set(), prune)
    rebuilt.set(node, pruned)
    return pruned
  }
  return prune(plan)
}

function gather(plan: Plan, needed: ReadonlySet<string>, needs: Map<Plan, Set<string>>): void {
  const before = needs.get(plan)
  if (before !== undefined && [...needed].every((name) => before.has(name))) return
  const all = new Set([...(before ?? []), ...needed])
  needs.set(plan, all)
  const inputs = inputsOf(plan)
  neededOf(plan, all).forEach((columns, i) => {
    const input = inputs[i]
    if (input !== undefined) gather(input, columns, needs)
  })
}

/** What a plan reads of each of its inputs. */
function neededOf(plan: Plan, needed: ReadonlySet<string>): readonly ReadonlySet<string>[] {
  switch (plan.kind) {
    case 'scan':
    case 'constant':
    case 'working-table':
      return []
    case 'recursion': {
      // every column goes into the next round
      const all = new Set(plan.columns.map((column) => column.name))
      return [all, all]
    }
    case 'filter':
      return [new Set([...needed, ...used(plan.predicates)])]
    case 'project':
      return [used(keptItems(plan, needed).map((item) => item.expression))]
    case 'join': {
      const both = new Set([...needed, ...used(plan.conditions)])
      return [both, both]
    }
    case 'semi-join':
      return [new Set([...needed, ...used(plan.conditions)]), used(plan.conditions)]
    case 'union-all':
      return plan.inputs.map(() => needed)
    case 'expand':
      return [new Set([...needed, ...columnsOf(plan.call)])]
    case 'partitioned': {
      const { transform } = plan
      const read =
        transform.kind === 'window'
          ? used(keptCalls(transform.calls, needed).map((call) => call.call))
          : used(transformExpressions(transform))
      return [new Set([...needed, ...plan.keys, ...read])]
    }
    case 'aggregate':
      // Every key splits groups, read or not; calls that nobody reads are dropped.
      return [new Set([...plan.keys, ...used(keptCalls(plan.calls, needed).map((call) => call.call))])]
  }
}

function pruneNode(plan: Plan, needed: ReadonlySet<string>, prune: (input: Plan) => Plan): Plan {
  switch (plan.kind) {
    case 'constant':
    case 'working-table':
      return plan
    case 'recursion':
      return { ...plan, base: prune(plan.base), step: prune(plan.step) }
    case 'scan': {
      const kept = plan.columns.map((column) => needed.has(column.name))
      return {
        ...plan,
        columns: plan.columns.filter((_, i) => kept[i]),
        sourceColumns: plan.sourceColumns.filter((_, i) => kept[i]),
      }
    }
    case 'filter': {
      const input = prune(plan.input)
      return { ...plan, input, columns: present(plan, [input]) }
    }
    case 'project': {
      const items = keptItems(plan, needed)
      return {
        ...plan,
        input: prune(plan.input),
        items,
        columns: plan.columns.filter((column) => items.some((item) => item.name === column.name)),
      }
    }
    case 'join': {
      const [left, right] = [prune(plan.left), prune(plan.right)]
      return { ...plan, left, right, columns: present(plan, [left, right]) }
    }
    case 'semi-join': {
      const [left, right] = [prune(plan.left), prune(plan.right)]
      return { ...plan, left, right, columns: present(plan, [left], plan.mark === null ? [] : [plan.mark]) }
    }
    case 'union-all':
      return {
        ...plan,
        inputs: plan.inputs.map(prune),
        columns: plan.columns.filter((column) => needed.has(column.name)),
      }
    case 'expand': {
      const input = prune(plan.input)
      return { ...plan, input, columns: present(plan, [input], plan.added) }
    }
    case 'partitioned': {
      const { transform } = plan
      const input = prune(plan.input)
      if (transform.kind !== 'window') return { ...plan, input, columns: present(plan, [input]) }
      const calls = keptCalls(transform.calls, needed)
      return {
        ...plan,
        input,
        transform: { kind: 'window', calls },
        columns: present(
          plan,
          [input],
          calls.map((call) => call.name),
        ),
      }
    }
    case 'aggregate':
      return {
        ...plan,
        input: prune(plan.input),
        calls: keptCalls(plan.calls, needed),
        columns: plan.columns.filter((column) => plan.keys.includes(column.name) || needed.has(column.name)),
      }
  }
}

/** Where an item returns a set, every item counts: dropping one could drop or join rows. */
function keptItems(plan: Extract<Plan, { kind: 'project' }>, needed: ReadonlySet<string>) {
  return plan.expands ? plan.items : plan.items.filter((item) => needed.has(item.name))
}

function keptCalls<Call extends { readonly name: string }>(
  calls: readonly Call[],
  needed: ReadonlySet<string>,
): readonly Call[] {
  return calls.filter((call) => needed.has(call.name))
}

/** The plan's columns that its inputs still have, and those that it adds itself. */
function present(plan: Plan, inputs: readonly Plan[], own: readonly string[] = []) {
  const names = new Set([...inputs.flatMap((input) => input.columns.map((column) => column.name)), ...own])
  return plan.columns.filter((column) => names.has(column.name))
}

function used(expressions: readonly Ast[]): Set<string> {
  return new Set(expressions.flatMap((expression) => [...columnsOf(expression)]))
}
