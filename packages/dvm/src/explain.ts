import { weightedStep } from './delta/weighted-step.ts'
import type { Planned } from './plan-query.ts'
import { inputsOf, type Plan, type Query } from './plan/plan.ts'
import { printExpression } from './print/expression.ts'
import { soleColumn, type Ast } from './ast.ts'

/** A plan for people: one node an operator, with what it does and the law by which it is maintained. */
export interface ExplainedNode {
  readonly operator: string
  readonly detail: string
  readonly law: string
  readonly inputs: readonly ExplainedNode[]
}

export function explainPlan(planned: Planned): ExplainedNode {
  if (planned.unsupported !== null) {
    return {
      operator: 'query',
      detail: planned.unsupported.detail,
      law: 'recomputed as a whole, the difference applied',
      inputs: [],
    }
  }
  const { query } = planned
  const body = explainNode(query.input)
  if (query.input.kind === 'aggregate') return { ...body, detail: `${body.detail} → ${outputs(query)}` }
  return { operator: 'output', detail: outputs(query), law: 'the net change by key, or by row', inputs: [body] }
}

function outputs(query: Query): string {
  return query.items
    .map((item) =>
      soleColumn(item.expression) === item.name ? item.name : `${printExpression(item.expression)} as ${item.name}`,
    )
    .join(', ')
}

function explainNode(plan: Plan): ExplainedNode {
  return { ...describe(plan), inputs: inputsOf(plan).map(explainNode) }
}

function describe(plan: Plan): Omit<ExplainedNode, 'inputs'> {
  switch (plan.kind) {
    case 'scan': {
      const kind = plan.relation.kind === 'stream_table' ? 'stream table ' : ''
      const label = plan.label === plan.relation.table ? '' : ` as ${plan.label}`
      return {
        operator: 'scan',
        detail: `${kind}${plan.relation.schema}.${plan.relation.table}${label} (${plan.sourceColumns.join(', ')})`,
        law: 'Δ(R) = ΔR',
      }
    }
    case 'constant':
      return { operator: 'constant', detail: plan.columns.map((column) => column.name).join(', '), law: 'Δ = ∅' }
    case 'filter':
      return { operator: 'filter', detail: plan.predicates.map(printExpression).join(' and '), law: 'Δ(σR) = σΔR' }
    case 'project':
      return {
        operator: 'project',
        detail: plan.items
          .map((item) =>
            soleColumn(item.expression) === item.name
              ? item.name
              : `${printExpression(item.expression)} as ${item.name}`,
          )
          .join(', '),
        law: 'Δ(πR) = πΔR',
      }
    case 'join':
      return {
        operator: `${plan.type} join`,
        detail: conditionsOf(plan.conditions, 'cross'),
        law: plan.type === 'inner' ? 'Δ(R⋈S) = ΔR⋈S + R⋈ΔS − ΔR⋈ΔS' : 'Δ(R⟕S) = Δ(R⋈S) + Δ(R▷S) × null',
      }
    case 'semi-join':
      return {
        operator: `${plan.type} join`,
        detail: conditionsOf(plan.conditions, 'any row'),
        law: 'ΔR against S, and rows of R whose number of matches crosses zero',
      }
    case 'union-all':
      return {
        operator: 'union all',
        detail: plan.columns.map((column) => column.name).join(', '),
        law: 'Δ(R⊎S) = ΔR ⊎ ΔS',
      }
    case 'expand':
      return { operator: 'lateral function', detail: plan.added.join(', '), law: 'Δ(R × f(R)) = ΔR × f(ΔR)' }
    case 'recursion':
      return {
        operator: plan.all ? 'recursive union all' : 'recursive union',
        detail: plan.columns.map((column) => column.name).join(', '),
        law:
          weightedStep(plan.step) === null
            ? 'computed again when what it reads has changed'
            : plan.all
              ? 'ΔX = Δbase ⊎ Δstep(X) ⊎ step(ΔX)'
              : 'ΔX: deleted and rederived',
      }
    case 'working-table':
      return {
        operator: 'working table',
        detail: plan.columns.map((column) => column.name).join(', '),
        law: 'the rows of the last round',
      }
    case 'partitioned': {
      const by = plan.keys.length === 0 ? 'one partition' : `by ${plan.keys.join(', ')}`
      const calls =
        plan.transform.kind === 'window'
          ? `: ${plan.transform.calls.map((call) => printExpression(call.call)).join(', ')}`
          : ''
      return { operator: plan.transform.kind, detail: `${by}${calls}`, law: 'changed partitions computed again' }
    }
    case 'aggregate': {
      const again = plan.calls.filter((call) => call.method === 'recompute')
      const calls = plan.calls.map((call) => printExpression(call.call)).join(', ')
      return {
        operator: plan.label,
        detail: [plan.keys.length === 0 ? 'one group' : `by ${plan.keys.join(', ')}`, calls]
          .filter((part) => part !== '')
          .join(': '),
        law: again.length > 0 ? 'changed groups computed again' : 'γ(state ⊎ ΔR) − γ(state)',
      }
    }
  }
}

function conditionsOf(conditions: readonly Ast[], none: string): string {
  return conditions.length === 0 ? none : conditions.map(printExpression).join(' and ')
}

export function explainText(node: ExplainedNode, depth = 0): string {
  const line = `${'  '.repeat(depth)}${depth === 0 ? '' : '└ '}${node.operator}  ${node.detail}  [${node.law}]`
  return [line, ...node.inputs.map((input) => explainText(input, depth + 1))].join('\n')
}

export function explainDot(root: ExplainedNode, title: string): string {
  const lines: string[] = []
  const visit = (node: ExplainedNode): string => {
    const id = `n${lines.length}`
    lines.push(`  ${id} [label=${quoted(`${node.operator}\n${node.detail}\n${node.law}`)}];`)
    for (const input of node.inputs) lines.push(`  ${visit(input)} -> ${id};`)
    return id
  }
  visit(root)
  return [
    `digraph ${quoted(title)} {`,
    '  rankdir=BT;',
    '  node [shape=box, fontname="Helvetica"];',
    ...lines,
    '}',
  ].join('\n')
}

function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}
