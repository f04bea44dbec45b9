import { CHANGES_SCHEMA, type Fragment, identifier } from '@freshet/core'

/** The objects of one source's capture, beside its change buffer. */
export function logTable(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `log_${stableName}`)
}

export function packTable(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `pack_${stableName}`)
}

/** For a source that is captured by WAL: the part of the buffer that came after a statement's snapshot. */
export function tailFunction(stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `tail_${stableName}`)
}

/** What statements do to a source; each has its trigger, and its trigger function. */
export const CAPTURE_EVENTS = ['insert', 'update', 'delete', 'truncate'] as const
export type CaptureEvent = (typeof CAPTURE_EVENTS)[number]

/** Those with a trigger: an UPDATE needs none as long as no column is captured. */
export function capturedEvents(columnCount: number): readonly CaptureEvent[] {
  return columnCount === 0 ? CAPTURE_EVENTS.filter((event) => event !== 'update') : CAPTURE_EVENTS
}

export function captureFunctionName(event: CaptureEvent, stableName: string): Fragment {
  return identifier(CHANGES_SCHEMA, `capture_${event}_${stableName}`)
}
