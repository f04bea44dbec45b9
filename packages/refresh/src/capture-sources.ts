import { type CaptureChoice, displayName, type Queryable, sourceIdentifier, sql } from '@freshet/core'
import type { QueryFacts } from '@freshet/dvm'
import type { RefreshContext } from './context.ts'
import { findDefinition, type Definition, type StoredPlan } from './definition.ts'
import { startEmitting } from './emission.ts'
import type { OnProgress } from './progress.ts'

/**
 * What a stream table reads: recorded first, then captured. So a capture has a reader from its beginning, and one that
 * has none was left behind.
 */
export async function recordDependencies(transaction: Queryable, id: number, plan: StoredPlan): Promise<void> {
  for (const source of plan.sources) {
    await transaction.query(sql`
      insert into freshet.dependency (stream_table_id, stable_name, columns) values (${id}, ${source.stableName}, ${[...source.columns]}::text[])
      on conflict (stream_table_id, stable_name) do update set columns = excluded.columns`)
  }
}

/** While a query changes, the sources of the old and of the new one are both in use. */
export async function addDependencies(
  transaction: Queryable,
  before: Pick<Definition, 'id' | 'plan'>,
  plan: StoredPlan,
): Promise<void> {
  const known = new Set(before.plan.sources.map((source) => source.stableName))
  const sources = plan.sources.filter((source) => !known.has(source.stableName))
  await recordDependencies(transaction, before.id, { ...plan, sources })
}

export async function captureSources(
  context: RefreshContext,
  facts: QueryFacts,
  plan: StoredPlan,
  onProgress: OnProgress,
  via?: CaptureChoice,
): Promise<void> {
  const kinds = new Map([...facts.relations.values()].map((relation) => [relation.stableName, relation]))
  for (const source of plan.sources) {
    const relation = kinds.get(source.stableName)
    if (relation === undefined) continue
    const name = displayName(relation)
    onProgress({ phase: 'capture', message: `capturing changes of ${name}` })
    if (relation.kind === 'stream_table') {
      await context.database.transaction(async (transaction) =>
        startEmitting(transaction, await findDefinition(transaction, name)),
      )
    } else {
      const identified = {
        ...sourceIdentifier(relation.oid, relation.schema, relation.table),
        stableName: relation.stableName,
      }
      await context.capture.ensure(context.database, identified, source.columns, via === undefined ? {} : { via })
    }
  }
}
