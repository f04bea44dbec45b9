import type { Database } from '@freshet/core'
import { parseName } from '@freshet/core'
import {
  explainDot,
  explainPlan,
  explainText,
  REASONS,
  refreshCompiler,
  type Compiled,
  type ExplainedNode,
} from '@freshet/dvm'
import { makePlan } from './create.ts'
import { findDefinition, nameOf } from './definition.ts'
import { resolveQuery } from './resolve/resolve.ts'

/** What would run, and why; for a stream table, or for a query that is none yet. Changes nothing. */
export interface Explanation {
  readonly name: string | null
  readonly effectiveMode: 'differential' | 'full'
  readonly reason: { readonly code: string; readonly detail: string; readonly hint: string } | null
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  readonly plan: string
  readonly tree: ExplainedNode
  readonly dot: string
  readonly statements: Readonly<Record<string, string>>
}

export async function explain(
  database: Database,
  subject: { readonly name: string } | { readonly query: string },
): Promise<Explanation> {
  const definition = 'name' in subject ? await findDefinition(database, subject.name) : null
  const query = definition?.query ?? ('query' in subject ? subject.query : '')
  const resolved = await resolveQuery(database, definition?.definition ?? query)
  const target = definition ?? { schema: 'public', table: parseName('stream_table').table, stableName: '0'.repeat(16) }
  const compiled = definition?.plan ?? (await makePlan(database, resolved, target, 'auto'))
  const refusal = compiled.refusal
  const tree = explainPlan({ ...resolved.planned, unsupported: refusal })
  return {
    name: definition === null ? null : nameOf(definition),
    effectiveMode: definition?.mode === 'full' ? 'full' : compiled.effectiveMode,
    reason:
      refusal === null
        ? definition?.mode === 'full'
          ? requested()
          : null
        : { ...refusal, hint: REASONS[refusal.code] },
    storage: compiled.storage,
    keyColumns: compiled.keyColumns,
    plan: explainText(tree),
    tree,
    dot: explainDot(tree, definition === null ? 'query' : nameOf(definition)),
    statements: statementsOf(compiled),
  }
}

function requested() {
  return { code: 'REQUESTED', detail: 'mode full was asked for', hint: REASONS.REQUESTED }
}

function statementsOf(compiled: Compiled): Record<string, string> {
  const tables = compiled.tables.flatMap((table) => [
    [`create ${table.schema}.${table.table}`, table.create] as const,
    [`fill ${table.schema}.${table.table}`, table.fill] as const,
    [`full ${table.schema}.${table.table}`, table.replace] as const,
  ])
  const changed = new Set(compiled.sources.map((source) => source.stableName))
  const refresh =
    compiled.refresh === null
      ? []
      : [['refresh', refreshCompiler(compiled.refresh).statement({ changed, large: false, emits: false })] as const]
  return Object.fromEntries([...refresh, ...tables])
}
