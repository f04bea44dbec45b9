import { type CaptureChoice, displayName, sourceIdentifier } from '@freshet/core'
import type { QueryFacts } from '@freshet/dvm'
import type { RefreshContext } from './context.ts'
import { findDefinition, loadDefinition, type StoredPlan } from './definition.ts'
import { startEmitting } from './emission.ts'
import { whenFree } from './full.ts'
import type { OnProgress } from './progress.ts'

/** Has the sources of a plan captured, which its stream table is recorded as reading (`dependencies.ts`). */
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
      const { id } = await findDefinition(context.database, name)
      await whenFree(context.database, id, async (transaction) =>
        startEmitting(transaction, await loadDefinition(transaction, id)),
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
