import { FreshetError } from '@freshet/core'
import { certificateFault } from '../tls.ts'

/**
 * What RabbitMQ answers, as Freshet's errors: told apart by the protocol's reply codes. Before a connection is open the client
 * hands these on in its message alone.
 */
export function fromRabbitmq(error: unknown): FreshetError {
  if (error instanceof FreshetError) return error
  const fault = certificateFault('RabbitMQ', error)
  if (fault !== null) return fault
  const message = error instanceof Error ? error.message : String(error)
  if (replyCode(error) === NOT_FOUND)
    return new FreshetError('SINK_REFUSED', `an exchange or a queue is missing in RabbitMQ: ${message}`, {
      cause: error,
    })
  if (REFUSED.has(replyCode(error)))
    return new FreshetError('SINK_REFUSED', `RabbitMQ refuses: ${message}`, { cause: error })
  return new FreshetError('SINK_UNAVAILABLE', `RabbitMQ can not be reached, or is not ready: ${message}`, {
    cause: error,
  })
}

export function isNotFound(error: unknown): boolean {
  return replyCode(error) === NOT_FOUND
}

/** Of a message that was published there is one precondition: its size (`max_message_size`). */
export function isTooLarge(error: unknown): boolean {
  return replyCode(error) === PRECONDITION_FAILED
}

function replyCode(error: unknown): number {
  const code: unknown = error instanceof Error ? Reflect.get(error, 'code') : undefined
  if (typeof code === 'number') return code
  const message = error instanceof Error ? error.message : ''
  if (NOT_OPENED.test(message)) return NOT_ALLOWED
  return Number(HANDSHAKE.exec(message)?.[1] ?? 0)
}

/** As the client writes the frame that ended it, with its code. */
const HANDSHAKE = /^Handshake terminated by server: (\d{3}) /
/** The login was right, and the server closes: the virtual host is not there, or not for this user. */
const NOT_OPENED = /^Expected ConnectionOpenOk; got <ConnectionClose /
const NOT_FOUND = 404
const PRECONDITION_FAILED = 406
const NOT_ALLOWED = 530
/** Access refused, locked, precondition failed, not allowed: that is the name of the virtual host, or a right. */
const REFUSED = new Set([403, 405, PRECONDITION_FAILED, NOT_ALLOWED])
