import { FreshetError } from '@freshet/core'
import { certificateFault } from '../tls.ts'

/**
 * What Kafka answers, as Freshet's errors: told apart by the protocol's error types and the library's error names, never by
 * message.
 */
export function fromKafka(error: unknown): FreshetError {
  if (error instanceof FreshetError) return error
  const fault = certificateFault('Kafka', error)
  if (fault !== null) return fault
  const types = typesOf(error)
  const message = error instanceof Error ? error.message : String(error)
  const of = (code: 'SINK_FENCED' | 'SINK_REFUSED' | 'SINK_UNAVAILABLE', text: string) =>
    new FreshetError(code, text, { cause: error })
  if (types.some((type) => FENCED.has(type)))
    return of('SINK_FENCED', 'another relay delivers to Kafka in the place of this one')
  if (types.some((type) => MISSING.has(type))) return of('SINK_REFUSED', `a topic does not exist: ${message}`)
  if (types.some((type) => REFUSED.has(type))) return of('SINK_REFUSED', `Kafka refuses: ${message}`)
  return of('SINK_UNAVAILABLE', `Kafka can not be reached, or is not ready: ${message}`)
}

export function isKafka(error: unknown, type: string): boolean {
  return typesOf(error).includes(type)
}

/** It passes in a moment. */
export function isSettling(error: unknown): boolean {
  return typesOf(error).some((type) => SETTLING.has(type))
}

const SETTLING = new Set([
  'CONCURRENT_TRANSACTIONS',
  'GROUP_COORDINATOR_NOT_AVAILABLE',
  'GROUP_LOAD_IN_PROGRESS',
  'NOT_COORDINATOR_FOR_GROUP',
])
const FENCED = new Set([
  'INVALID_PRODUCER_EPOCH',
  'PRODUCER_FENCED',
  'INVALID_PRODUCER_ID_MAPPING',
  'INVALID_TXN_STATE',
])
const MISSING = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION', 'KafkaJSMetadataNotLoaded'])
const REFUSED = new Set([
  'KafkaJSSASLAuthenticationError',
  'SASL_AUTHENTICATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
  'TRANSACTIONAL_ID_AUTHORIZATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'INVALID_TRANSACTION_TIMEOUT',
  'POLICY_VIOLATION',
])

/** Of the error and of whatever caused it. */
function typesOf(error: unknown): readonly string[] {
  const types: string[] = []
  for (let at: unknown = error, depth = 0; typeof at === 'object' && at !== null && depth < 8; depth++) {
    for (const property of ['type', 'name']) {
      const value: unknown = Reflect.get(at, property)
      if (typeof value === 'string') types.push(value)
    }
    at = Reflect.get(at, 'cause')
  }
  return types
}
