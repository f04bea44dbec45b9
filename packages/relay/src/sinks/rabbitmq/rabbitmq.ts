import { FreshetError } from '@freshet/core'
import { type ChannelModel, type ConfirmChannel, connect } from 'amqplib'
import { Duplex } from 'node:stream'
import type { Message } from '../../message.ts'
import { pause } from '../../pause.ts'
import { RefusedMessage } from '../../refused-message.ts'
import type { Sink } from '../../sink.ts'
import { inKeyOrder } from '../in-key-order.ts'
import { nodeTls, type TlsOptions } from '../tls.ts'
import { fromRabbitmq, isTooLarge } from './rabbitmq-errors.ts'
import { type RabbitmqAddress, type RabbitmqMessage, rabbitmqMessage } from './rabbitmq-message.ts'
import { type QueueType, requireTopology } from './topology.ts'

/**
 * RabbitMQ, at least once: a delivery is over when the server has confirmed all of its messages, which it does when each of
 * their queues has them. All are mandatory: one that no queue takes comes back, and is an error, as a refusal is one.
 *
 * RabbitMQ knows no doubles. What comes again is there twice, with the same `message_id`.
 */
export interface RabbitmqSinkOptions {
  /** `amqp://user:password@host:port/vhost`, `amqps://…` with TLS. */
  readonly url: string
  /** Of `amqps://…`. */
  readonly tls?: TlsOptions
  /** A template; default the one that is called nothing, whose routing keys are names of queues. */
  readonly exchange?: string
  /** A template; default `{topic}`. */
  readonly routingKey?: string
  /** Queues that must be there when it opens. */
  readonly queues?: readonly string[]
  /** Default null: a queue that is missing is an error. */
  readonly createQueues?: QueueType | null
  /** How long the server may take to confirm a message. Default 30 seconds. */
  readonly acknowledgeMs?: number
}

export function rabbitmqSink(options: RabbitmqSinkOptions): Sink {
  return new RabbitmqSink(options)
}

const CONNECT_MS = 5_000
const CLOSE_MS = 2_000
/** A connection of which nothing was heard for two of these is given up. */
const HEARTBEAT_SECONDS = 10
/** What the protocol asks of every server. */
const SMALLEST_FRAME = 4_096

class RabbitmqSink implements Sink {
  readonly guarantee = 'at least once'
  readonly #options: RabbitmqSinkOptions
  readonly #address: RabbitmqAddress
  readonly #returned = new Set<string>()
  readonly #underWay = new Map<Message, RabbitmqMessage>()
  #model: ChannelModel | undefined
  #channel: ConfirmChannel | undefined
  #blocked = ''
  /** Why the channel ended: what its unconfirmed messages hear is only that it did. */
  #fault: unknown

  constructor(options: RabbitmqSinkOptions) {
    this.#options = options
    this.#address = { exchange: options.exchange ?? '', routingKey: options.routingKey ?? '{topic}' }
  }

  async open(): Promise<null> {
    const { url, tls = {}, queues = [], createQueues: create = null } = this.#options
    const { exchange } = this.#address
    try {
      const model = await connect(withHeartbeat(url), {
        ...nodeTls(tls),
        timeout: CONNECT_MS,
        noDelay: true,
        clientProperties: { connection_name: 'freshet-relay' },
      })
      this.#model = model
      model.on('error', (error) => (this.#fault ??= error))
      model.on('blocked', (reason) => (this.#blocked = `; it is blocked: ${reason}`))
      model.on('unblocked', () => (this.#blocked = ''))
      await requireTopology(model, { exchange: isNamed(exchange) ? exchange : null, queues, create })
      const channel = await model.createConfirmChannel()
      channel.on('error', (error) => (this.#fault ??= error))
      channel.on('return', ({ properties }) => void this.#returned.add(String(properties.messageId)))
      this.#channel = channel
      return null
    } catch (error) {
      await this.close()
      throw fromRabbitmq(error)
    }
  }

  async deliver(messages: readonly Message[]): Promise<void> {
    const [model, channel] = [this.#model, this.#channel]
    if (model === undefined || channel === undefined)
      throw new FreshetError('SINK_UNAVAILABLE', 'the connection to RabbitMQ was given up')
    // all of them before the first is sent: one that can not go would end what is under way
    const frame = frameMaxOf(model)
    const wanted = new Map(messages.map((message) => [message, rabbitmqMessage(message, this.#address, frame)]))
    try {
      await inKeyOrder(messages, async (message) => {
        const one = wanted.get(message) ?? rabbitmqMessage(message, this.#address, frame)
        this.#underWay.set(message, one)
        await this.#confirmed(channel, one)
        this.#underWay.delete(message)
        if (this.#returned.delete(message.id)) throw unroutable(one)
      })
    } catch (error) {
      const told = this.#told(error)
      await this.close()
      throw told
    }
  }

  async close(): Promise<void> {
    const model = this.#model
    this.#model = undefined
    this.#channel = undefined
    if (model === undefined) return
    // it may not answer any more, and what it could still say changes nothing
    const ending = new AbortController()
    await Promise.race([Promise.allSettled([model.close()]), pause(CLOSE_MS, ending.signal)])
    ending.abort()
    socketOf(model)?.destroy()
  }

  async #confirmed(
    channel: ConfirmChannel,
    { exchange, routingKey, content, properties }: RabbitmqMessage,
  ): Promise<void> {
    const { acknowledgeMs = 30_000 } = this.#options
    let timer: NodeJS.Timeout | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(
          () => reject(new Error(`it did not confirm a message in ${acknowledgeMs} ms${this.#blocked}`)),
          acknowledgeMs,
        )
        channel.publish(exchange, routingKey, content, properties, (error: unknown) => {
          if (error === null) resolve()
          else reject(new Error('it took a message back, or ended the channel', { cause: error }))
        })
      })
    } finally {
      clearTimeout(timer)
    }
  }

  #told(error: unknown): FreshetError {
    const fault = this.#fault ?? error
    if (!isTooLarge(fault)) return fromRabbitmq(fault)
    // one of those under way is too large, and then the largest is
    const [largest] = [...this.#underWay].sort(([, a], [, b]) => b.content.byteLength - a.content.byteLength)
    if (largest === undefined) return fromRabbitmq(fault)
    return new RefusedMessage(largest[0], 'it is larger than the server takes (max_message_size)', fault)
  }
}

function unroutable({ exchange, routingKey }: RabbitmqMessage): FreshetError {
  const place = exchange === '' ? `no queue is called ${routingKey}` : `no queue of ${exchange} takes ${routingKey}`
  return new FreshetError('SINK_REFUSED', `RabbitMQ sends a message back: ${place}`, {
    hint: 'Declare the queue and its binding, or let the relay make queues: `queues` and `create_queues` in its configuration.',
  })
}

/** It is one exchange, and not the default one, which is always there. */
function isNamed(exchange: string): boolean {
  return exchange !== '' && !exchange.includes('{')
}

function withHeartbeat(url: string): string {
  const to = new URL(url)
  if (!to.searchParams.has('heartbeat')) to.searchParams.set('heartbeat', String(HEARTBEAT_SECONDS))
  return to.href
}

/** What client and server have agreed on; the library does not say it in its types. */
function frameMaxOf({ connection }: ChannelModel): number {
  const agreed: unknown = Reflect.get(connection, 'frameMax')
  return typeof agreed === 'number' ? agreed : SMALLEST_FRAME
}

/** The library closes a connection by asking the server, which may not answer any more. */
function socketOf({ connection }: ChannelModel): Duplex | undefined {
  const stream: unknown = Reflect.get(connection, 'stream')
  return stream instanceof Duplex ? stream : undefined
}
