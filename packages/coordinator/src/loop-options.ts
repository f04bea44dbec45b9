import type { Refresher, Settings } from '@freshet/core'
import type { Clock } from './clock.ts'
import type { CoordinatorListener } from './events.ts'
import type { Roster } from './roster.ts'
import type { Store } from './store.ts'
import type { WorkerShare } from './workers.ts'

/** What the loop is given, and what it shows of itself. */
export interface LoopOptions {
  readonly store: Store
  readonly refresher: Refresher
  readonly clock: Clock
  readonly listener: CoordinatorListener
  readonly initiatedBy: string
  /** Where several databases are taken care of. */
  readonly workers?: WorkerShare
  /** Ends the loop: nothing more is started. */
  readonly signal: AbortSignal
}

export interface LoopState {
  readonly roster: Roster
  readonly settings: Settings
  readonly pending: ReadonlySet<number>
  readonly running: ReadonlyMap<number, Promise<void>>
  /** Why it can not poll at the moment. */
  readonly trouble: Error | null
  /** When it last asked the buffers, and when it last heard from the server; −∞ before the first time. */
  readonly lastAskAt: number
  readonly lastPollAt: number
}

export interface Loop {
  readonly state: LoopState
  /** Runs until the signal; then waits for what is running. */
  run(): Promise<void>
}
