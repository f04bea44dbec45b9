import { FreshetError } from '@freshet/core'
import { ErrorReply } from '@redis/client'
import { certificateFault } from '../tls.ts'

/** What Redis answers, as Freshet's errors: told apart by the first word of its reply, which is the error's code there. */
export function fromRedis(error: unknown): FreshetError {
  if (error instanceof FreshetError) return error
  const fault = certificateFault('Redis', error)
  if (fault !== null) return fault
  const message = error instanceof Error ? error.message : String(error)
  const code = error instanceof ErrorReply ? (/^[A-Z]+/.exec(message)?.[0] ?? '') : ''
  if (code === 'FENCED')
    return new FreshetError('SINK_FENCED', 'another relay delivers to Redis in the place of this one', { cause: error })
  if (REFUSED.has(code)) return new FreshetError('SINK_REFUSED', `Redis refuses: ${message}`, { cause: error })
  return new FreshetError('SINK_UNAVAILABLE', `Redis can not be reached, or is not ready: ${message}`, { cause: error })
}

const REFUSED = new Set(['NOAUTH', 'NOPERM', 'NOTASTREAM', 'WRONGPASS', 'WRONGTYPE'])
