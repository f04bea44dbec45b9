import { type CaptureFault, displayName } from '@freshet/core'
import { columnFaults, placeFaults } from '../faults.ts'
import type { SourceFacts, TrackedSource } from '../source-facts.ts'
import type { Published } from './wal-source.ts'

/** What is wrong with a capture by WAL: pure, from the facts. Of the stream itself see `readStream`. */
export function findWalFaults(
  facts: SourceFacts,
  published: Published,
  tracked: TrackedSource,
): readonly CaptureFault[] {
  const faults = [...placeFaults(facts, tracked)]
  const name = displayName(facts)
  if (!published.published) faults.push({ kind: 'not_published', detail: `${name} left the publication freshet` })
  if (published.identity !== 'f')
    faults.push({ kind: 'not_published', detail: `the replica identity of ${name} is no longer full` })
  if (facts.parent !== null || facts.members.length > 1)
    faults.push({ kind: 'partition_uncaptured', detail: `${name} became a part of another table, or has parts` })
  return [...faults, ...columnFaults(facts, tracked)]
}
