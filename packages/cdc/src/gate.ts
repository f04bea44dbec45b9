import { type Fragment, type Placement, sql } from '@freshet/core'
import { createCaptureFunctions, createShutFunctions } from './capture-function.ts'
import { removeStandingMarker, writeMarker, writeStandingMarker } from './capture-log.ts'
import type { Gate, SourceColumn } from './source-facts.ts'

/**
 * The gate of a source: open, and statements are captured; shut, and the trigger functions return at once. The triggers
 * stay where they are.
 *
 *   shutting   other functions, and a standing marker; the source is not locked
 *   opening    the functions as they were, the triggers created anew, and a marker in place of the standing one
 *
 * A writer meets one function or the other in each of its statements. One that met a shut gate in any of them commits
 * after the shutting did, so every snapshot that shows it shows the standing marker too, and what it left in the log
 * from before is never applied alone. Opening waits, by the lock that creating a trigger takes, for every transaction
 * that has written to the source: so a snapshot that shows the marker of the opening shows all of them, and who writes
 * later is captured from its first statement. Without that wait, the second half of a transaction would be taken for
 * all of it.
 */
export function gateFunctions(
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
  gate: Gate,
): readonly Fragment[] {
  return gate === 'open'
    ? createCaptureFunctions(stableName, placement, columns)
    : createShutFunctions(stableName, columns.length)
}

/** Shuts an open gate. */
export function shutGate(stableName: string, columnCount: number): readonly Fragment[] {
  const gate = { from: 'open', to: 'shut', missed: true } as const
  return [
    ...createShutFunctions(stableName, columnCount),
    ...gateMarkers(stableName, gate),
    recordGate(stableName, gate),
  ]
}

/** What goes into the buffer with them. `missed`: changes may have been, even if the gate was open. */
export function gateMarkers(
  stableName: string,
  { from, to, missed }: { readonly from: Gate; readonly to: Gate; readonly missed: boolean },
): readonly Fragment[] {
  if (to === 'shut') return [removeStandingMarker(stableName), writeStandingMarker(stableName)]
  if (from === 'shut') return [removeStandingMarker(stableName), writeMarker(stableName)]
  return missed ? [writeMarker(stableName)] : []
}

export function recordGate(stableName: string, { from, to }: { readonly from: Gate; readonly to: Gate }): Fragment {
  return from === 'shut' && to === 'open'
    ? sql`update freshet.source set gate = 'open', resumed = pg_current_xact_id() where stable_name = ${stableName}`
    : sql`update freshet.source set gate = ${to} where stable_name = ${stableName}`
}
