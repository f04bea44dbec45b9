import { FreshetError } from '@freshet/core'
import type { Admin, CompressionTypes, Producer, TopicMessages, Transaction } from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '../../message.ts'
import { RefusedMessage } from '../../refused-message.ts'
import type { Sink } from '../../sink.ts'
import { batches, recordSize } from './batches.ts'
import { type KafkaAddress, kafkaClient } from './client.ts'
import { type Compression, compressionType } from './codecs.ts'
import { EVENT_ID_HEADER } from './event-id.ts'
import { fromKafka, isKafka, isSettling } from './kafka-errors.ts'
import { keepPosition, type PositionPlace, putNonce, recoverPosition } from './kept-position.ts'
import { type PartitionerName, partitionerOf, Partitions } from './partitions.ts'
import { batchLimit, type NewTopics, requireTopics } from './topics.ts'

/**
 * Kafka, exactly once: messages and the position that they lead to are one transaction of an idempotent producer. Who reads
 * with `read_committed` sees each message once.
 *
 * The transactional id is the consumer's. Whoever opens takes it over: the other's transaction is aborted, and it can begin
 * none any more. An error ends the producer; the next one finds out what was committed.
 */
export interface KafkaSinkOptions extends KafkaAddress {
  /** Of the consumer, in all databases that deliver to these brokers. */
  readonly identity: string
  readonly compression?: Compression
  /** Default `java`: what Java's client computes of the key. */
  readonly partitioner?: PartitionerName
  /** A template that gives the partition's number; where it gives nothing, the key decides. */
  readonly partition?: string
  /** Topics that must be there when it opens. */
  readonly topics?: readonly string[]
  /** Default null: missing topics are an error. */
  readonly createTopics?: NewTopics | null
  /** Where positions are kept. Default `freshet.positions`; it is made where it is missing. */
  readonly positionsTopic?: string
  /** How long a transaction may take before Kafka aborts it. Default a minute. */
  readonly transactionTimeoutMs?: number
}

export function kafkaSink(options: KafkaSinkOptions): Sink {
  return new KafkaSink(options)
}

class KafkaSink implements Sink {
  readonly guarantee = 'exactly once'
  readonly #options: KafkaSinkOptions
  readonly #place: PositionPlace
  readonly #admin: Admin
  readonly #producer: Producer
  readonly #limits = new Map<string, number>()
  readonly #partitions: Partitions
  readonly #compression: CompressionTypes
  #transaction: Transaction | undefined
  #closed = false

  constructor(options: KafkaSinkOptions) {
    this.#options = options
    const { identity, transactionTimeoutMs = 60_000 } = options
    this.#compression = compressionType(options.compression ?? 'none')
    this.#place = { group: `freshet.${identity}`, topic: options.positionsTopic ?? 'freshet.positions' }
    // within each try of the producer: a broker that is away is told soon
    const kafka = kafkaClient(options, { initialRetryTime: 50, maxRetryTime: 200, retries: 2 })
    this.#admin = kafka.admin({ retry: PRODUCER_RETRY })
    this.#producer = kafka.producer({
      idempotent: true,
      transactionalId: `freshet.${identity}`,
      retry: PRODUCER_RETRY,
      transactionTimeout: transactionTimeoutMs,
      allowAutoTopicCreation: false,
      createPartitioner: partitionerOf(options.partitioner ?? 'java'),
    })
    this.#partitions = new Partitions(this.#admin, options.partition ?? null)
  }

  async open(): Promise<string | null> {
    try {
      await this.#admin.connect()
      await requireTopics(this.#admin, {
        topics: this.#options.topics ?? [],
        positionsTopic: this.#place.topic,
        create: this.#options.createTopics ?? null,
      })
      await this.#producer.connect()
      const transaction = await this.#producer.transaction()
      const nonce = await whileSettling(() => putNonce(transaction, this.#place))
      await transaction.commit()
      return await recoverPosition(this.#admin, this.#place, nonce)
    } catch (error) {
      throw fromKafka(error)
    }
  }

  async deliver(messages: readonly Message[], position: string | null): Promise<void> {
    if (this.#closed) throw new FreshetError('SINK_UNAVAILABLE', 'the connection to Kafka was given up')
    try {
      const transaction = (this.#transaction ??= await this.#producer.transaction())
      await this.#learnLimits(messages)
      const refused = messages.find((message) => recordSize(message) > this.#limitOf(message.topic))
      if (refused !== undefined) throw new RefusedMessage(refused, 'it is larger than its topic takes')
      // side by side: until both are committed, neither asks for the other
      const sent = this.#sendAll(transaction, messages)
      const kept = position === null ? null : whileSettling(() => keepPosition(transaction, this.#place, position))
      for (const result of await Promise.allSettled([sent, kept])) if (result.status === 'rejected') throw result.reason
      if (position === null) return
      await transaction.commit()
      this.#transaction = undefined
    } catch (error) {
      // whoever opens next aborts it
      this.#transaction = undefined
      await this.close()
      throw fromKafka(error)
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    // so that readers need not wait for its timeout; where this fails, they do
    if (this.#transaction?.isActive() === true) await Promise.allSettled([this.#transaction.abort()])
    await Promise.allSettled([this.#producer.disconnect(), this.#admin.disconnect()])
  }

  async #sendAll(transaction: Transaction, messages: readonly Message[]): Promise<void> {
    for (const batch of batches(messages, (topic) => this.#limitOf(topic))) await this.#send(transaction, batch)
  }

  async #send(transaction: Transaction, batch: readonly Message[]): Promise<void> {
    const topics = new Map<string, TopicMessages>()
    const partitions = await this.#partitions.of(batch)
    for (const message of batch) {
      const { id, topic, key, headers, value } = message
      const partition = partitions.get(message)
      const one = topics.get(topic) ?? { topic, messages: [] }
      topics.set(topic, one)
      one.messages.push({
        key,
        value,
        headers: { ...headers, [EVENT_ID_HEADER]: id },
        ...(partition === undefined ? {} : { partition }),
      })
    }
    try {
      await transaction.sendBatch({ acks: -1, compression: this.#compression, topicMessages: [...topics.values()] })
    } catch (error) {
      const [only, ...others] = batch
      if (only !== undefined && others.length === 0 && isKafka(error, 'MESSAGE_TOO_LARGE'))
        throw new RefusedMessage(only, 'it is larger than its topic takes', error)
      throw error
    }
  }

  async #learnLimits(messages: readonly Message[]): Promise<void> {
    for (const { topic } of messages)
      if (!this.#limits.has(topic)) this.#limits.set(topic, await batchLimit(this.#admin, topic))
  }

  #limitOf(topic: string): number {
    return this.#limits.get(topic) ?? 0
  }
}

/** Short pauses: after a commit the next transaction is refused for some milliseconds. */
const PRODUCER_RETRY = { initialRetryTime: 4, multiplier: 1.7, maxRetryTime: 1_000, retries: 12 }

const SETTLING_PAUSE_MS = 4
const SETTLING_MS = 10_000

/** Kafka is about to end the transaction before, or to find its coordinators. The library waits for that with messages, and not with offsets. */
async function whileSettling<T>(work: () => Promise<T>): Promise<T> {
  const until = performance.now() + SETTLING_MS
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isSettling(error) || performance.now() > until) throw error
      await sleep(SETTLING_PAUSE_MS)
    }
  }
}
