import type { Database } from '@freshet/core'
import { sql } from '@freshet/core'
import { EVENT_ID_HEADER } from '@freshet/relay'
import { randomUUID } from 'node:crypto'
import { Kafka, logLevel } from 'kafkajs'

/**
 * What the outbox holds against what was delivered. Writers of a key wait for each other, so the ids of a key are in the
 * order of its commits.
 */
export interface Account {
  readonly written: number
  readonly lost: number
  readonly doubled: number
  /** Delivered, and not in the outbox. */
  readonly invented: number
  /** Messages that came after a later one of their key. */
  readonly disordered: number
}

export const IN_ORDER = { lost: 0, doubled: 0, invented: 0, disordered: 0 } as const

/** Takes what was delivered, in the order in which it is there. */
export interface Ledger {
  take(eventId: string, key: string): void
  account(database: Database): Promise<Account>
}

export function ledger(): Ledger {
  const seen = new Set<number>()
  const last = new Map<string, number>()
  const counts = { doubled: 0, disordered: 0 }
  return {
    take: (eventId, key) => {
      const id = Number(eventId.split('-').at(-1))
      if (seen.has(id)) {
        counts.doubled++
        return
      }
      seen.add(id)
      if (id < (last.get(key) ?? 0)) counts.disordered++
      last.set(key, id)
    },
    account: async (database) => {
      const written = await database.query<{ id: string }>(sql`select id from outbox`)
      const lost = written.filter(({ id }) => !seen.has(Number(id))).length
      return { written: written.length, lost, invented: seen.size - (written.length - lost), ...counts }
    },
  }
}

const END = 'end'

/** As `read_committed` shows a topic: up to a message that is put at the end of each partition for the purpose. */
export async function takeTopic(shown: Ledger, address: string, topic: string): Promise<void> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  const groupId = `account-${randomUUID()}`
  await Promise.all([admin.connect(), producer.connect()])
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 50 })
  try {
    const open = new Set((await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition))
    const messages = [...open].map((partition) => ({ partition, value: null, headers: { [END]: groupId } }))
    await producer.send({ topic, messages })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      const eachBatch = ({ batch }: { batch: { partition: number; messages: readonly KafkaRecord[] } }) => {
        for (const { key, headers = {} } of batch.messages) {
          if (headers[END] === undefined) shown.take(text(headers[EVENT_ID_HEADER]), text(key))
          else if (text(headers[END]) === groupId) open.delete(batch.partition)
        }
        if (open.size === 0) resolve()
        return Promise.resolve()
      }
      consumer.run({ eachBatch }).catch(reject)
    })
  } finally {
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}

function text(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString() : JSON.stringify(value)
}

interface KafkaRecord {
  readonly key: Buffer | null
  readonly headers?: Readonly<Record<string, unknown>>
}
