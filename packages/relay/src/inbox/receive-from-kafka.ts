import { type Database, type FreshetError, isFreshetError, raw } from '@freshet/core'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { type EachBatchPayload, Kafka, type KafkaConfig, logLevel } from 'kafkajs'
import { pauseMs } from '../backoff.ts'
import { type KafkaCredentials, saslOf } from '../sinks/kafka/kafka.ts'
import { fromKafka } from '../sinks/kafka/kafka-errors.ts'
import { createInbox, type Inbox, receive } from './inbox.ts'
import { received } from './kafka-record.ts'

/**
 * Brings what is committed in Kafka into an inbox. The group's offset moves when the rows are durably there, and never
 * before: whoever is killed in between puts them in once more, and the inbox keeps each event id once.
 *
 * A partition's messages go in in its order, by one member of the group at a time. One that was taken for dead and is not
 * puts in what the next one puts in as well, in the same order; the later of the two waits for the earlier.
 */
export interface KafkaInboxOptions {
  readonly brokers: readonly string[]
  readonly topics: readonly string[]
  /** Of consumers: who has the same one shares the work. */
  readonly group: string
  readonly clientId?: string
  readonly tls?: KafkaConfig['ssl']
  readonly sasl?: KafkaCredentials
  /** Where a new group begins. Default `beginning`. */
  readonly from?: 'beginning' | 'end'
  /** After so long without a sign of life a member's partitions go to the others. Default 30 s. */
  readonly sessionTimeoutMs?: number
  /** Each time the database or Kafka can not be reached; it is tried again. */
  readonly onInterruption?: (error: FreshetError) => void
}

export interface KafkaReceiver {
  /** Ends when it is stopped; throws what ended it otherwise. */
  readonly ended: Promise<void>
  /** Finishes what is under way. */
  stop(): Promise<void>
}

/** The inbox is created where it is missing; the topics must be there. */
export async function receiveFromKafka(
  database: Database,
  inboxName: string,
  options: KafkaInboxOptions,
): Promise<KafkaReceiver> {
  const inbox = await createInbox(database, inboxName)
  const { brokers, clientId = 'freshet-inbox', tls, sasl, group, topics, from = 'beginning' } = options
  const { sessionTimeoutMs = 30_000 } = options
  const tell = (error: FreshetError) => options.onInterruption?.(error)
  const kafka = new Kafka({
    brokers: [...brokers],
    clientId,
    ...(tls === undefined ? {} : { ssl: tls }),
    ...(sasl === undefined ? {} : { sasl: saslOf(sasl) }),
    logLevel: logLevel.NOTHING,
  })
  const consumer = kafka.consumer({
    groupId: group,
    readUncommitted: false,
    allowAutoTopicCreation: false,
    maxWaitTimeInMs: MAX_WAIT_MS,
    sessionTimeout: sessionTimeoutMs,
    heartbeatInterval: sessionTimeoutMs / SIGNS,
    // a broker that is away comes back: only a person ends this
    retry: { initialRetryTime: 100, maxRetryTime: 30_000, restartOnFailure: () => Promise.resolve(true) },
  })
  const ending = new AbortController()
  const failures: unknown[] = []
  const fail = (error: unknown) => {
    failures.push(error)
    ending.abort()
  }
  consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
    if (restart) tell(fromKafka(error))
    else fail(fromKafka(error))
  })
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [...topics], fromBeginning: from === 'beginning' })
    await consumer.run({
      eachBatchAutoResolve: false,
      // what is not resolved when it ends is not committed
      eachBatch: (payload) =>
        take({ database, inbox, payload, tell, signal: ending.signal, longestPauseMs: sessionTimeoutMs / SIGNS }).catch(
          fail,
        ),
    })
  } catch (error) {
    await consumer.disconnect()
    throw fromKafka(error)
  }
  const over = async () => {
    if (!ending.signal.aborted) await once(ending.signal, 'abort')
    await consumer.disconnect()
    if (failures.length > 0) throw failures[0]
  }
  const ended = over()
  ended.catch(() => undefined) // whoever wants to know asks for it
  return {
    ended,
    stop: async () => {
      ending.abort()
      await ended
    },
  }
}

/** A broker that has nothing answers after this time: it is what a message waits for at most. */
const MAX_WAIT_MS = 250

/** Of life that a member gives in the time after which it would be taken for dead. */
const SIGNS = 10

interface Take {
  readonly database: Database
  readonly inbox: Inbox
  readonly payload: EachBatchPayload
  readonly tell: (error: FreshetError) => void
  readonly signal: AbortSignal
  readonly longestPauseMs: number
}

/** Puts a batch in, however long the database is away; its offsets are committed by the library afterwards. */
async function take({ database, inbox, payload, tell, signal, longestPauseMs }: Take): Promise<void> {
  const { batch } = payload
  const messages = batch.messages.map((message) => received(batch, message))
  for (let failures = 0; payload.isRunning() && !payload.isStale() && !signal.aborted;) {
    try {
      await database.transaction(async (transaction) => {
        await transaction.query(DURABLY)
        await receive(transaction, inbox, messages)
      })
      payload.resolveOffset(batch.lastOffset())
      await payload.heartbeat()
      return
    } catch (error) {
      if (!isFreshetError(error) || (error.retry !== 'reconnect' && error.retry !== 'retry')) throw error
      tell(error)
      await pause(Math.min(pauseMs(++failures, Math.random()), longestPauseMs), signal)
      await payload.heartbeat()
    }
  }
}

/** Whatever the server usually does: what Kafka gives no more must not be lost here. */
const DURABLY = raw(`select set_config('synchronous_commit', 'on', true)`)

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}
