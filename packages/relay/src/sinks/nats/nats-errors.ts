import { FreshetError } from '@freshet/core'
import { JetStreamApiError } from '@nats-io/jetstream'
import {
  AuthorizationError,
  NoRespondersError,
  PermissionViolationError,
  RequestError,
  UserAuthenticationExpiredError,
} from '@nats-io/transport-node'
import { certificateFault } from '../tls.ts'

/** What NATS answers, as Freshet's errors: told apart by the client's types and the server's codes, never by message. */
export function fromNats(error: unknown): FreshetError {
  if (error instanceof FreshetError) return error
  const fault = certificateFault('NATS', error)
  if (fault !== null) return fault
  const message = error instanceof Error ? error.message : String(error)
  if (isNotEnabled(error) || (isApi(error) && NOT_ENABLED.has(error.code)))
    return new FreshetError('SINK_REFUSED', 'JetStream is not enabled there', {
      cause: error,
      hint: 'Enable JetStream in the server and for the account.',
    })
  if (isApi(error) && error.status < SERVER_ERROR)
    return new FreshetError('SINK_REFUSED', `JetStream refuses: ${message}`, { cause: error })
  if (REFUSALS.some((type) => error instanceof type || causeOf(error) instanceof type))
    return new FreshetError('SINK_REFUSED', `NATS refuses: ${message}`, { cause: error })
  return new FreshetError('SINK_UNAVAILABLE', `NATS can not be reached, or is not ready: ${message}`, { cause: error })
}

/** Nobody takes what is sent there. To the client this looks like a server without JetStream. */
export function hasNoStream(error: unknown): boolean {
  return (
    isNotEnabled(error) ||
    error instanceof NoRespondersError ||
    (error instanceof RequestError && error.isNoResponders())
  )
}

/** It is larger than its stream takes (`max_msg_size`). */
export function isTooLarge(error: unknown): boolean {
  return isApi(error) && error.code === MESSAGE_EXCEEDS_MAXIMUM
}

/** The client does not export its type. */
function isNotEnabled(error: unknown): boolean {
  return error instanceof Error && error.name === 'JetStreamNotEnabled'
}

function isApi(error: unknown): error is JetStreamApiError {
  return error instanceof JetStreamApiError
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : undefined
}

const REFUSALS = [AuthorizationError, PermissionViolationError, UserAuthenticationExpiredError]
/** Not for the account, not in the server. */
const NOT_ENABLED = new Set([10_039, 10_076])
const MESSAGE_EXCEEDS_MAXIMUM = 10_054
/** From here on it is the server's trouble, and passes. */
const SERVER_ERROR = 500
