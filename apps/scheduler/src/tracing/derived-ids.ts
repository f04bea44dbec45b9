import type { TraceIdentity } from '@freshet/core'
import { type IdGenerator, RandomIdGenerator } from '@opentelemetry/sdk-trace-base'

/** Random ids, but for the one span whose place follows from what it is about. */
export interface DerivedIds extends IdGenerator {
  /** The first span that `work` starts has these; it must be a root. */
  readonly identified: <T>(identity: TraceIdentity, work: () => T) => T
}

export function derivedIds(): DerivedIds {
  const random = new RandomIdGenerator()
  let next: Partial<TraceIdentity> = {}
  const take = (kind: keyof TraceIdentity, otherwise: () => string): string => {
    const { [kind]: taken, ...rest } = next
    next = rest
    return taken ?? otherwise()
  }
  return {
    generateTraceId: () => take('traceId', random.generateTraceId),
    generateSpanId: () => take('spanId', random.generateSpanId),
    identified: (identity, work) => {
      next = identity
      try {
        return work()
      } finally {
        next = {}
      }
    },
  }
}
