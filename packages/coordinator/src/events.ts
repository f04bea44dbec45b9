import type { FreshetError, RefreshOutcome } from '@freshet/core'

/** What happens in a coordinator, for logs and metrics. Listeners are called at once and must not throw. */
export type CoordinatorEvent =
  /** A refresh ended well: with something done, with nothing to do, or with the table held by somebody else. */
  | {
      readonly kind: 'refreshed'
      readonly table: TableRef
      readonly outcome: RefreshOutcome
      /** How long changes had been seen waiting when the refresh ended, at most. */
      readonly waitedMs: number
      /** Its objective; null where it has none. */
      readonly slaMs: number | null
      /** It refreshes as soon as a change is seen; the others let changes wait by intent. */
      readonly live: boolean
    }
  /** A refresh failed and will be tried again. */
  | {
      readonly kind: 'failed'
      readonly table: TableRef
      readonly error: FreshetError
      readonly consecutiveErrors: number
      readonly retryInMs: number
    }
  /** A refresh failed too often: nobody tries again until somebody resumes the table. */
  | { readonly kind: 'suspended'; readonly table: TableRef; readonly error: FreshetError; readonly reason: string }
  | { readonly kind: 'polled'; readonly durationMs: number; readonly full: boolean; readonly pending: number }
  | { readonly kind: 'catalog'; readonly tables: number }
  /** A table has a schedule that this version can not read, and is treated as manual. */
  | { readonly kind: 'odd_schedule'; readonly table: TableRef; readonly message: string }
  /** A stored setting has a value that this version can not read; the last good settings stay in force. */
  | { readonly kind: 'odd_setting'; readonly error: FreshetError }
  | { readonly kind: 'trimmed'; readonly stableName: string; readonly rows: number }
  | { readonly kind: 'pruned'; readonly rows: number }
  /** The capture of a source had lost something and was mended; its stream tables are recomputed. */
  | { readonly kind: 'mended'; readonly source: string }
  /** Something that served nobody, as a process leaves it that ends too early: a slot keeps the server's log for ever. */
  | { readonly kind: 'cleared'; readonly what: string }
  /** Something beside the refreshes failed; it is tried again later. */
  | {
      readonly kind: 'upkeep_failed'
      readonly task: 'trim' | 'prune' | 'inspect' | 'clear' | 'announce' | 'count' | 'record'
      readonly error: FreshetError
    }
  | { readonly kind: 'connected' }
  /** Polling broke off; it starts again on a new connection. */
  | { readonly kind: 'interrupted'; readonly error: FreshetError; readonly retryInMs: number }
  | { readonly kind: 'draining'; readonly running: number }
  | { readonly kind: 'stopped'; readonly unfinished: readonly TableRef[] }

export interface TableRef {
  readonly id: number
  readonly name: string
}

export type CoordinatorListener = (event: CoordinatorEvent) => void
