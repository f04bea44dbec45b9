/**
 * The life of a stream table, as a pure machine.
 *
 *   initializing ──filled──▶ active ◀──resumed── paused
 *                              │  ▲ ──paused──────▶ ▲
 *                      gave_up │  │ resumed,        │ paused
 *                              ▼  │ refreshed       │
 *                            suspended ─────────────┘
 *
 * Invariants, each enforced by the test of the same number:
 *
 * I1  The table is total: every status answers every event.
 * I2  Only an active table is refreshed by the scheduler.
 * I3  Nothing but `filled` ends initializing: a table that was never filled is never shown as fresh.
 * I4  Paused is left by `resumed` only: no refresh, failed or not, undoes what a person decided.
 * I5  Suspended is entered by `gave_up` only, and from active only.
 * I6  Every status but initializing can be made active again by `resumed`.
 */
export type Status = 'initializing' | 'active' | 'paused' | 'suspended'

/**
 * - `filled`: the initial fill committed.
 * - `refreshed`: a refresh committed, or found nothing to do.
 * - `failed`: a refresh failed and will be tried again.
 * - `gave_up`: a refresh failed, and too often, or in a way that trying again can not mend.
 * - `paused`, `resumed`: somebody asked for it.
 */
export type LifecycleEvent = 'filled' | 'refreshed' | 'failed' | 'gave_up' | 'paused' | 'resumed'

const TRANSITIONS: Readonly<Record<Status, Readonly<Record<LifecycleEvent, Status>>>> = {
  initializing: {
    filled: 'active',
    refreshed: 'initializing',
    failed: 'initializing',
    gave_up: 'initializing',
    paused: 'initializing',
    resumed: 'initializing',
  },
  active: {
    filled: 'active',
    refreshed: 'active',
    failed: 'active',
    gave_up: 'suspended',
    paused: 'paused',
    resumed: 'active',
  },
  paused: {
    filled: 'paused',
    refreshed: 'paused',
    failed: 'paused',
    gave_up: 'paused',
    paused: 'paused',
    resumed: 'active',
  },
  suspended: {
    filled: 'suspended',
    refreshed: 'suspended', // a refresh by hand works, but only resuming ends a suspension
    failed: 'suspended',
    gave_up: 'suspended',
    paused: 'paused',
    resumed: 'active',
  },
}

export const STATUSES: readonly Status[] = ['initializing', 'active', 'paused', 'suspended']
export const LIFECYCLE_EVENTS: readonly LifecycleEvent[] = [
  'filled',
  'refreshed',
  'failed',
  'gave_up',
  'paused',
  'resumed',
]

export function transition(status: Status, event: LifecycleEvent): Status {
  return TRANSITIONS[status][event]
}

/** I2. */
export function isScheduled(status: Status): boolean {
  return status === 'active'
}
