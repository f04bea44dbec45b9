import type { Sql } from '@freshet/core'
import type { TestDatabase } from '@freshet/testkit'

type Client = Awaited<ReturnType<TestDatabase['client']>>

/** How PostgreSQL plans a refresh statement where it is planned as refreshes have it planned: once, for any values. */
export async function explained(client: Client, { text, values }: Sql, options = 'format text'): Promise<unknown[]> {
  await client.query('deallocate all; set enable_sort = off; set plan_cache_mode = force_generic_plan')
  await client.query(`prepare refresh as ${text}`)
  const given = values.map((value) => `'${String(value)}'`).join(', ')
  return (await client.query<Record<string, unknown>>(`explain (${options}) execute refresh (${given})`)).rows
}

export interface PlanNode {
  readonly 'Node Type': string
  readonly 'Plan Rows': number
  readonly 'CTE Name'?: string
  /** What it reads. */
  readonly Plans?: readonly PlanNode[]
  /** Of `analyze`. */
  readonly 'Actual Rows'?: number
  readonly 'Actual Loops'?: number
}

/** Every node of a plan in JSON. */
export function planNodes(plan: readonly unknown[]): readonly PlanNode[] {
  const nodes: PlanNode[] = []
  JSON.stringify(plan, (_, value: unknown) => {
    if (isNode(value)) nodes.push(value)
    return value
  })
  return nodes
}

function isNode(value: unknown): value is PlanNode {
  return typeof value === 'object' && value !== null && 'Node Type' in value && 'Plan Rows' in value
}
