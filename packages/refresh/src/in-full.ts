import type { Database } from '@freshet/core'
import type { Decision } from './choose.ts'
import { type Experience, estimateFull } from './cost-model.ts'
import type { Definition } from './definition.ts'
import { askPlanner, type Depth, depthOf } from './depth.ts'
import type { RecordedDecision } from './experience.ts'
import { claiming, claimOf, type FullResult, recordFull, type Recorded, replaceAll } from './full.ts'
import { oneSnapshot } from './sessions.ts'

/** A full refresh of one stream table by itself: it is claimed, computed and recorded in one transaction, at its snapshot. */
export interface InFull {
  readonly definition: Definition
  readonly reason: string
  /** Where AUTO had to choose. */
  readonly decision: Decision | null
  readonly experience: Experience
  readonly initiatedBy: string
  /** It is being created, and goes on being: whoever makes it takes its state as it is. */
  readonly unfinished: boolean
}

export interface DoneInFull extends Recorded {
  readonly result: FullResult
  readonly depth: Depth
  readonly recorded: RecordedDecision | null
}

/** `busy`: another refresher has it; `again`: it was refreshed meanwhile; `changed`: what its query refers to is another. */
export function refreshInFull(
  database: Database,
  { definition, reason, decision, experience, initiatedBy, unfinished }: InFull,
): Promise<DoneInFull | 'busy' | 'again' | 'changed'> {
  const { id, version, plan } = definition
  const wanted = unfinished ? 'all' : depthOf(plan, decision, experience)
  return oneSnapshot(database, { ...definition, asking: claiming(id) }, async (transaction, asked) => {
    const { state, changed } = claimOf(asked)
    if (state === null) return 'busy'
    if (state.version !== version) return 'again'
    if (changed) return 'changed'
    const depth = wanted === 'ask' ? await askPlanner(transaction, plan) : wanted
    const recorded = decision && { ...decision, ...(depth === 'answer' ? { answerOnly: true } : {}) }
    const expectedMs = estimateFull(experience, decision?.sourceRows ?? 0)
    const result = await replaceAll(transaction, definition, expectedMs, depth)
    const entry = { action: 'full', reason, initiatedBy, result, depth, decision: recorded, unfinished } as const
    return { result, depth, recorded, ...(await recordFull(transaction, definition, entry)) }
  })
}
