import { type CaptureFault, displayName } from '@freshet/core'
import { columnFaults, partFaults, placeFaults } from '../faults.ts'
import type { SourceFacts, TrackedSource } from '../source-facts.ts'
import type { Published } from './wal-source.ts'

/** What is wrong with a capture by WAL: pure, from the facts. Of the stream itself see `readStream`. */
export function findWalFaults(
  facts: SourceFacts,
  tables: readonly Published[],
  tracked: TrackedSource,
): readonly CaptureFault[] {
  const faults = [...placeFaults(facts, tracked)]
  const name = displayName(facts)
  for (const table of tables) {
    const known = table.oid === facts.oid || tracked.oid !== facts.oid || tracked.members.includes(table.oid)
    if (!known) faults.push({ kind: 'partition_uncaptured', detail: `${displayName(table)} became a part of ${name}` })
    else if (!table.published)
      faults.push({ kind: 'not_published', detail: `${displayName(table)} left the publication freshet` })
    else if (table.identity !== 'f')
      faults.push({ kind: 'not_published', detail: `the replica identity of ${displayName(table)} is no longer full` })
  }
  return [...faults, ...partFaults(facts, tracked), ...columnFaults(facts, tracked)]
}
