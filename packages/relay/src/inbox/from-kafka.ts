import { type Database, type FreshetError, toFreshetError } from '@freshet/core'
import type { Consumer, EachBatchPayload } from 'kafkajs'
import { pauseMs } from '../backoff.ts'
import { pause } from '../pause.ts'
import { type KafkaAddress, kafkaClient } from '../sinks/kafka/client.ts'
import { addCodecs } from '../sinks/kafka/codecs.ts'
import { fromKafka } from '../sinks/kafka/kafka-errors.ts'
import { createInbox, type Inbox, receiveDurably } from './inbox.ts'
import { arrived } from './kafka-record.ts'

/**
 * Reads topics into an inbox, as a member of a group, and only what is committed.
 *
 * The rows are committed first, and the offset after them. Whatever ends in between, the records come again, and the inbox
 * passes over those whose event id it has: each is there once. What a handler then does with it (`consumeInbox`) is done once.
 *
 * A key's records are of one partition and are put there in its order. That holds, too, while a member that was given up still
 * writes: whoever meets an id that another transaction is writing waits for it before it goes on.
 */
export interface KafkaInboxOptions extends KafkaAddress {
  readonly group: string
  readonly topics: readonly string[]
  /** Where a new group begins. Default `beginning`. */
  readonly from?: 'beginning' | 'now'
  /** Partitions at a time. Default 4. */
  readonly concurrency?: number
  /** After how long the group gives up a member of which it hears nothing. Default 30 seconds. */
  readonly sessionTimeoutMs?: number
  /** Called for each try that failed and is made again. */
  readonly onFailure?: (error: FreshetError) => void
}

export interface KafkaInbox {
  /** Ends when it is stopped; throws what ended it otherwise. */
  readonly ended: Promise<void>
  /** Finishes what is under way. */
  stop(): Promise<void>
}

export async function readKafka(database: Database, name: string, options: KafkaInboxOptions): Promise<KafkaInbox> {
  const inbox = await createInbox(database, name)
  addCodecs()
  const consumer = kafkaClient(options, RETRY).consumer({
    groupId: options.group,
    readUncommitted: false,
    allowAutoTopicCreation: false,
    sessionTimeout: options.sessionTimeoutMs ?? 30_000,
    heartbeatInterval: Math.ceil((options.sessionTimeoutMs ?? 30_000) / 10),
    // what passes is tried again for good; what does not is for a person
    retry: { ...RETRY, restartOnFailure: (error) => Promise.resolve(passes(fromKafka(error))) },
  })
  const ending = new AbortController()
  const ended = new Promise<void>((resolve, reject) => {
    ending.signal.addEventListener('abort', () => resolve())
    consumer.on('consumer.crash', ({ payload: { error, restart } }) => {
      const fault = fromKafka(error)
      if (restart) options.onFailure?.(fault)
      else reject(fault)
    })
  })
  // it is told to whoever waits for it, and to nobody else
  ended.catch(() => ending.abort())
  try {
    await consumer.connect()
    await consumer.subscribe({ topics: [...options.topics], fromBeginning: options.from !== 'now' })
    await consumer.run({
      autoCommit: false,
      eachBatchAutoResolve: false,
      partitionsConsumedConcurrently: options.concurrency ?? 4,
      eachBatch: (batch) => take({ database, inbox, consumer, options, signal: ending.signal }, batch),
    })
  } catch (error) {
    ending.abort()
    await consumer.disconnect()
    throw fromKafka(error)
  }
  return {
    ended,
    stop: async () => {
      ending.abort()
      await consumer.disconnect()
      await ended
    },
  }
}

const RETRY = { initialRetryTime: 100, maxRetryTime: 30_000, retries: 5 }

interface Reading {
  readonly database: Database
  readonly inbox: Inbox
  readonly consumer: Consumer
  readonly options: KafkaInboxOptions
  readonly signal: AbortSignal
}

async function take(reading: Reading, payload: EachBatchPayload): Promise<void> {
  const { batch } = payload
  const { topic, partition, messages } = batch
  if (!payload.isRunning() || payload.isStale()) return
  const all = messages.map((record) => arrived({ topic, partition, ...record }))
  if (!(await putIn(reading, all, () => payload.heartbeat()))) return
  // control records at the end are passed, too
  const last = batch.lastOffset()
  payload.resolveOffset(last)
  await reading.consumer.commitOffsets([{ topic, partition, offset: String(BigInt(last) + 1n) }])
  await payload.heartbeat()
}

/** Whether they are there. The group is told that this member lives, for as long as the database is away. */
async function putIn(
  { database, inbox, options, signal }: Reading,
  all: readonly ReturnType<typeof arrived>[],
  heartbeat: () => Promise<void>,
): Promise<boolean> {
  for (let failures = 0; !signal.aborted;) {
    try {
      await receiveDurably(database, inbox, all)
      return true
    } catch (thrown) {
      const error = toFreshetError(thrown)
      if (!passes(error)) throw error
      options.onFailure?.(error)
      const longest = (options.sessionTimeoutMs ?? 30_000) / 10
      await pause(Math.min(pauseMs(++failures, Math.random()), longest), signal)
      await heartbeat()
    }
  }
  return false
}

function passes(error: FreshetError): boolean {
  return error.retry === 'reconnect' || error.retry === 'retry'
}
