import { type FreshetError, reconnectMs, type RefreshOutcome, toFreshetError } from '@freshet/core'
import { consequenceOf } from './consequence.ts'
import type { Clock } from './clock.ts'
import type { CoordinatorListener } from './events.ts'
import type { FailurePolicy, FailureRecord } from './record.ts'
import type { RosterTable } from './roster.ts'
import type { Store } from './store.ts'

/** How a refresh that was started here ended, and what that means for the table's next one. */
export interface SettleContext {
  readonly clock: Clock
  readonly store: Store
  readonly listener: CoordinatorListener
  readonly policy: FailurePolicy
  /** Told how long changes had waited for a refresh that found some. */
  readonly observe: (table: RosterTable, waitedMs: number) => void
  readonly initiatedBy: string
}

/** A refresh that takes no longer is over before anybody waits for it. */
const QUICK_MS = 25

/** Another refresher holds the table: look again soon. */
const BUSY_MS = 20

export async function settleSuccess(context: SettleContext, table: RosterTable, outcome: RefreshOutcome) {
  const { clock, listener, observe } = context
  const now = clock.now()
  const ref = { id: table.id, name: table.catalog.name }
  const waitedMs = Math.max(now - table.freshAt, 0)
  if (outcome.action === 'busy') {
    table.notBefore = now + BUSY_MS * (1 + clock.random())
  } else {
    // a table is given as much rest as its refresh took: at most half of the time goes into any one of them
    table.notBefore = now + (table.schedule.kind === 'live' ? outcome.durationMs : 0)
    table.lastSuccessAt = now
    table.freshAt = table.lastStartAt
    table.reinitialize = false
    if (outcome.action !== 'none') table.quick = outcome.action === 'differential' && outcome.durationMs <= QUICK_MS
    table.unrecordedErrors = 0
    if (table.catalog.consecutiveErrors > 0) await forgive(context, table.id)
  }
  if (outcome.action === 'differential' || outcome.action === 'full') observe(table, waitedMs)
  const { slaMs } = table.catalog
  listener({ kind: 'refreshed', table: ref, outcome, waitedMs, slaMs, live: table.schedule.kind === 'live' })
}

async function forgive({ store, listener }: SettleContext, id: number): Promise<void> {
  try {
    await store.recordSuccess(id)
  } catch (error) {
    listener({ kind: 'upkeep_failed', task: 'record', error: toFreshetError(error) })
  }
}

export async function settleFailure(context: SettleContext, table: RosterTable, thrown: unknown): Promise<void> {
  const { clock, listener } = context
  const error = toFreshetError(thrown)
  const ref = { id: table.id, name: table.catalog.name }
  const record = consequenceOf(error.code) === 'reconnect' ? 'unreachable' : await recorded(context, table, error)
  if (record === 'gone') return
  if (record === 'unreachable') {
    const consecutiveErrors = ++table.unrecordedErrors
    // failures are not recorded but waited out
    const retryInMs = reconnectMs(consecutiveErrors, clock.random())
    table.notBefore = clock.now() + retryInMs
    listener({ kind: 'failed', table: ref, error, consecutiveErrors, retryInMs })
    return
  }
  const { consecutiveErrors, retryInMs } = record
  table.catalog = { ...table.catalog, consecutiveErrors }
  table.notBefore = clock.now() + retryInMs
  if (record.status === 'suspended') {
    listener({ kind: 'suspended', table: ref, error, reason: record.statusReason ?? error.message })
  } else {
    listener({ kind: 'failed', table: ref, error, consecutiveErrors, retryInMs })
  }
}

async function recorded(
  { clock, store, listener, policy, initiatedBy }: SettleContext,
  table: RosterTable,
  error: FreshetError,
): Promise<FailureRecord | 'gone' | 'unreachable'> {
  const durationMs = clock.now() - table.lastStartAt
  try {
    const failure = { streamTable: table.id, error, durationMs, initiatedBy, random: clock.random() }
    return (await store.recordFailure(policy, failure)) ?? 'gone'
  } catch (recording) {
    listener({ kind: 'upkeep_failed', task: 'record', error: toFreshetError(recording) })
    return 'unreachable'
  }
}
