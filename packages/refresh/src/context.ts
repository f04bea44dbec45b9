import type { Capture, Database } from '@freshet/core'

/** What every operation on stream tables works with. */
export interface RefreshContext {
  readonly database: Database
  readonly capture: Capture
}
