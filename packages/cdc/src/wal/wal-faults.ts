import { type CaptureFault, displayName } from '@freshet/core'
import { columnFault } from '../faults.ts'
import type { SourceFacts, TrackedSource } from '../source-facts.ts'
import type { Published } from './wal-source.ts'

/** What is wrong with a capture by WAL: pure, from the facts. Of the stream itself see `readStream`. */
export function findWalFaults(
  facts: SourceFacts,
  published: Published,
  tracked: TrackedSource,
): readonly CaptureFault[] {
  const faults: CaptureFault[] = []
  const name = displayName(facts)
  if (tracked.gate !== tracked.wantedGate) {
    const detail = `capture of ${name} is to be ${tracked.wantedGate === 'shut' ? 'paused' : 'resumed'}, which has not been done yet`
    faults.push({ kind: 'paused', detail })
  }
  if (tracked.oid !== facts.oid)
    faults.push({ kind: 'source_dropped', detail: `${name} is another relation than the one that was captured` })
  if (!facts.hasLog) faults.push({ kind: 'buffer_missing', detail: `the change buffer of ${name} is gone` })
  if (!published.published) faults.push({ kind: 'not_published', detail: `${name} left the publication freshet` })
  if (published.identity !== 'f')
    faults.push({ kind: 'not_published', detail: `the replica identity of ${name} is no longer full` })
  if (facts.parent !== null || facts.members.length > 1)
    faults.push({ kind: 'partition_uncaptured', detail: `${name} became a part of another table, or has parts` })
  for (const column of tracked.columns) {
    const detail = columnFault(facts, column)
    if (detail !== null) faults.push({ kind: 'column_changed', detail })
  }
  return faults
}
