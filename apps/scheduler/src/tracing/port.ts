import type { Tracer } from '@opentelemetry/api'
import type { TraceIdentity } from '@freshet/core'

/** Where spans go. */
export interface Tracing {
  readonly tracer: Tracer
  /** The first span that `work` starts has these ids; it must be a root. */
  identified<T>(identity: TraceIdentity, work: () => T): T
  /** Sends what has not been sent, and ends. */
  close(): Promise<void>
}

export const PROTOCOLS = ['http/protobuf', 'http/json'] as const
export type Protocol = (typeof PROTOCOLS)[number]
