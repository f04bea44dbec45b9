import { FreshetError } from '@freshet/core'
import { jetstream, type JetStreamClient, jetstreamManager } from '@nats-io/jetstream'
import { connect, type NatsConnection, type NodeConnectionOptions } from '@nats-io/transport-node'
import { isIP } from 'node:net'
import type { Message } from '../../message.ts'
import { RefusedMessage } from '../../refused-message.ts'
import type { Sink } from '../../sink.ts'
import { inKeyOrder } from '../in-key-order.ts'
import type { TlsOptions } from '../tls.ts'
import { fromNats, hasNoStream, isTooLarge } from './nats-errors.ts'
import { natsMessage } from './nats-message.ts'
import { type NewStream, requireStreams } from './streams.ts'

/**
 * NATS JetStream, at least once: a delivery is over when the streams have acknowledged all of its messages. A stream drops
 * a message whose id it has seen within its window for duplicates, so what comes again within that window is there once.
 */
export interface NatsSinkOptions {
  /** `host:port` */
  readonly servers: readonly string[]
  readonly name?: string
  readonly credentials?: NatsCredentials
  /** Empty: TLS with the authorities of the system. */
  readonly tls?: TlsOptions
  /** Subjects that streams must take when it opens. */
  readonly topics?: readonly string[]
  /** Default null: a stream that is missing is an error. */
  readonly createStream?: NewStream | null
  /** How long the server may take to acknowledge a message. Default 10 seconds. */
  readonly acknowledgeMs?: number
}

export type NatsCredentials = { readonly user: string; readonly password: string } | { readonly token: string }

export function natsSink(options: NatsSinkOptions): Sink {
  return new NatsSink(options)
}

const CONNECT_MS = 5_000
/** A connection of which nothing was heard for three of these is given up. */
const PING_MS = 10_000

class NatsSink implements Sink {
  readonly guarantee = 'at least once'
  readonly #options: NatsSinkOptions
  #connection: NatsConnection | undefined
  #client: JetStreamClient | undefined

  constructor(options: NatsSinkOptions) {
    this.#options = options
  }

  async open(): Promise<null> {
    const { servers, name = 'freshet-relay', credentials = {}, tls, topics = [], createStream = null } = this.#options
    const { acknowledgeMs = 10_000 } = this.#options
    try {
      this.#connection = await connect({
        servers: [...servers],
        name,
        ...userOf(credentials),
        ...(tls === undefined ? {} : { tls: natsTls(tls, servers) }),
        reconnect: false,
        timeout: CONNECT_MS,
        pingInterval: PING_MS,
      })
      await requireStreams(await jetstreamManager(this.#connection), topics, createStream)
      this.#client = jetstream(this.#connection, { timeout: acknowledgeMs })
      return null
    } catch (error) {
      await this.close()
      throw fromNats(error)
    }
  }

  async deliver(messages: readonly Message[]): Promise<void> {
    const client = this.#client
    const largest = this.#connection?.info?.max_payload
    if (client === undefined || largest === undefined)
      throw new FreshetError('SINK_UNAVAILABLE', 'the connection to NATS was given up')
    // all of them before the first is sent: one that can not go would end what is under way
    const wanted = new Map(messages.map((message) => [message, natsMessage(message, largest)]))
    try {
      await inKeyOrder(messages, async (message) => {
        const { subject, payload, headers } = wanted.get(message) ?? natsMessage(message, largest)
        await client.publish(subject, payload, { headers }).catch((error: unknown) => {
          throw ofMessage(message, error)
        })
      })
    } catch (error) {
      await this.close()
      throw fromNats(error)
    }
  }

  async close(): Promise<void> {
    const connection = this.#connection
    this.#connection = undefined
    this.#client = undefined
    await connection?.close()
  }
}

function ofMessage(message: Message, error: unknown): unknown {
  if (isTooLarge(error)) return new RefusedMessage(message, 'it is larger than its stream takes (max_msg_size)', error)
  if (!hasNoStream(error)) return error
  return new FreshetError('SINK_REFUSED', `no stream takes the subject ${message.topic}`, {
    cause: error,
    hint: 'Create a stream for it, or let the relay do it: `create_stream` in its configuration.',
  })
}

function userOf(credentials: NatsCredentials | Readonly<Record<string, never>>): {
  readonly user?: string
  readonly pass?: string
  readonly token?: string
} {
  if ('token' in credentials) return { token: credentials.token }
  if ('user' in credentials) return { user: credentials.user, pass: credentials.password }
  return {}
}

/**
 * The client hands on to Node.js what it does not know itself. Of an address it tells Node.js no name, which then compares the
 * certificate with `localhost`.
 */
function natsTls({ ca, ...own }: TlsOptions, servers: readonly string[]): NonNullable<NodeConnectionOptions['tls']> {
  const address = servers.find((server) => isIP(server.replace(/:\d+$/, '').replaceAll(/[[\]]/g, '')) !== 0)
  if (address !== undefined && own.servername === undefined)
    throw new FreshetError('SINK_REFUSED', `the certificate of ${address} may be for another name: no name was given`, {
      hint: 'Connect to a name that the certificate has, or give it as `server_name`.',
    })
  return { ...own, ...(ca === undefined ? {} : { ca: ca.join('\n') }) }
}
