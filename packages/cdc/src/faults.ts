import { type CapturedColumn, type CaptureFault, displayName, type Placement } from '@freshet/core'
import type { SourceFacts, TrackedSource } from './source-facts.ts'
import { triggerNames } from './triggers.ts'

/** What is wrong with a capture that was installed: pure, from the facts. Empty when it is sound. */
export function findFaults(facts: SourceFacts, stableName: string, tracked: TrackedSource): readonly CaptureFault[] {
  const faults = [...placeFaults(facts, tracked)]
  const name = displayName(facts)
  faults.push(...columnFaults(facts, tracked), ...partFaults(facts, tracked))
  const expected = triggerNames(stableName, tracked.columns.length)
  for (const member of facts.members) {
    const missing = expected.filter((trigger) => !member.triggers.includes(trigger))
    if (missing.length === 0) continue
    const known = tracked.members.includes(member.oid) || member.oid === facts.oid
    faults.push(
      known
        ? { kind: 'trigger_missing', detail: `missing or disabled on ${displayName(member)}: ${missing.join(', ')}` }
        : { kind: 'partition_uncaptured', detail: `${displayName(member)} became a part of ${name}` },
    )
  }
  return faults
}

/** Of the source's gate, of the relation itself and of where its changes lie: the same however it is captured. */
export function placeFaults(facts: SourceFacts, tracked: TrackedSource): readonly CaptureFault[] {
  const faults: CaptureFault[] = []
  const name = displayName(facts)
  if (tracked.gate !== tracked.wantedGate) {
    const detail = `capture of ${name} is to be ${tracked.wantedGate === 'shut' ? 'paused' : 'resumed'}, which has not been done yet`
    faults.push({ kind: 'paused', detail })
  }
  if (tracked.oid !== facts.oid) {
    faults.push({ kind: 'source_dropped', detail: `${name} is another relation than the one that was captured` })
  }
  if (tracked.placement.kind !== facts.placement.kind) {
    const detail = `${name} was ${tracked.placement.kind} and is ${facts.placement.kind}`
    faults.push({ kind: 'placement_changed', detail })
  } else if (!facts.hasShardLog) {
    const detail = `the change buffer of ${name} is not beside its shards any more`
    faults.push({ kind: 'placement_changed', detail })
  }
  const [was, is] = [distributedBy(tracked.placement), distributedBy(facts.placement)]
  if (was !== null && is !== null && was !== is) {
    const detail = `the column ${was} by which ${name} is distributed is called ${is} now`
    faults.push({ kind: 'placement_changed', detail })
  }
  if (!facts.hasLog) faults.push({ kind: 'buffer_missing', detail: `the change buffer of ${name} is gone` })
  return faults
}

function distributedBy(placement: Placement): string | null {
  return placement.kind === 'distributed' ? placement.column : null
}

/** It became a part of something, or lost parts. */
export function partFaults(facts: SourceFacts, tracked: TrackedSource): readonly CaptureFault[] {
  const faults: CaptureFault[] = []
  const name = displayName(facts)
  if (facts.parent !== null) {
    const detail = `${name} became a part of ${facts.parent}; writes through that are not captured`
    faults.push({ kind: 'partition_uncaptured', detail })
  }
  const parts = new Set(facts.members.map(({ oid }) => oid))
  const left = tracked.oid === facts.oid ? tracked.members.filter((oid) => !parts.has(oid)) : []
  if (left.length > 0) {
    const detail = `${left.length === 1 ? 'a part' : `${left.length} parts`} of ${name} left it, with rows that nobody saw go`
    faults.push({ kind: 'partition_uncaptured', detail })
  }
  return faults
}

export function columnFaults(facts: SourceFacts, tracked: TrackedSource): readonly CaptureFault[] {
  return tracked.columns.flatMap((column) => {
    const detail = columnFault(facts, column)
    return detail === null ? [] : [{ kind: 'column_changed' as const, detail }]
  })
}

/** Why the column is not what was captured, or null. */
export function columnFault(facts: SourceFacts, captured: CapturedColumn): string | null {
  const name = displayName(facts)
  const column = facts.columns.find((candidate) => candidate.name === captured.name)
  if (column === undefined) return `${name} has no column ${captured.name} any more`
  if (column.type === captured.type) return null
  return `${captured.name} of ${name} was ${captured.type} and is ${column.type}`
}
