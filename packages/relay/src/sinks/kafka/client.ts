import { Kafka, logLevel, type RetryOptions, type SASLOptions } from 'kafkajs'
import { nodeTls, type TlsOptions } from '../tls.ts'

/** How brokers are reached, by whoever writes or reads. */
export interface KafkaAddress {
  readonly brokers: readonly string[]
  readonly clientId?: string
  readonly tls?: TlsOptions | boolean
  readonly sasl?: KafkaCredentials
}

export interface KafkaCredentials {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

/** It says nothing by itself: what goes wrong is thrown. */
export function kafkaClient(
  { brokers, clientId = 'freshet-relay', tls, sasl }: KafkaAddress,
  retry: RetryOptions,
): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    ...(tls === undefined ? {} : { ssl: typeof tls === 'boolean' ? tls : nodeTls(tls) }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 5_000,
    requestTimeout: 30_000,
    retry,
  })
}

/** The library has a type for each mechanism. */
function saslOf({ mechanism, ...credentials }: KafkaCredentials): SASLOptions {
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...credentials }
    case 'scram-sha-256':
      return { mechanism, ...credentials }
    case 'scram-sha-512':
      return { mechanism, ...credentials }
  }
}
