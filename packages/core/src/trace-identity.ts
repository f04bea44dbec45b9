import { createHash } from 'node:crypto'

/**
 * Where a refresh is found among traces: a function of the database and the number of the refresh in its history, and of
 * nothing else. So whoever reads what a refresh has changed can point at its span, in another process and later, and
 * nobody has to carry anything there: neither the writer nor the refresh nor the rows.
 *
 *   trace id, span id = the first 16 and the next 8 bytes of sha256('freshet refresh ' + database word + ' ' + refresh id)
 *
 * The trace id is as good as random, so samplers that go by it decide alike in all processes.
 */
export interface TraceIdentity {
  readonly traceId: string
  readonly spanId: string
}

export function refreshTrace(databaseWord: string, refreshId: string): TraceIdentity {
  const hash = createHash('sha256').update(`freshet refresh ${databaseWord} ${refreshId}`).digest('hex')
  return { traceId: hash.slice(0, 32), spanId: hash.slice(32, 48) }
}
