import { Kafka, logLevel } from 'kafkajs'
import { randomUUID } from 'node:crypto'
import type { Message } from '../../message.ts'
import { addCodecs } from './codecs.ts'
import { EVENT_ID_HEADER } from './event-id.ts'

const END = 'end'

/**
 * Everything that `read_committed` shows of a topic, in the order of each partition: read up to a message that is put at the
 * end of each partition for the purpose.
 */
export async function readTopic(address: string, topic: string): Promise<readonly Message[]> {
  return (await readPartitions(address, topic)).flat()
}

/** The same, each partition by itself, in the order of their numbers. */
export async function readPartitions(address: string, topic: string): Promise<readonly (readonly Message[])[]> {
  addCodecs()
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING })
  const [admin, producer] = [kafka.admin(), kafka.producer()]
  const groupId = `reader-${randomUUID()}`
  await Promise.all([admin.connect(), producer.connect()])
  const consumer = kafka.consumer({ groupId, readUncommitted: false, maxWaitTimeInMs: 50 })
  try {
    if (!(await admin.listTopics()).includes(topic)) return []
    const partitions = (await admin.fetchTopicOffsets(topic)).map(({ partition }) => partition)
    const messages = partitions.map((partition) => ({ partition, value: null, headers: { [END]: groupId } }))
    await producer.send({ topic, messages })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const found = partitions.map((): Message[] => [])
    const open = new Set(partitions)
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      consumer
        .run({
          eachMessage: async ({ partition, message: { key, value, headers = {} } }) => {
            if (headers[END] !== undefined) {
              if (String(headers[END]) === groupId) open.delete(partition)
              if (open.size === 0) resolve()
              return Promise.resolve()
            }
            const { [EVENT_ID_HEADER]: id, ...rest } = headers
            const texts = Object.entries(rest).map(([name, text]) => [name, String(text)] as const)
            found[partition]?.push({
              id: String(id),
              topic,
              key: key === null ? null : String(key),
              headers: Object.fromEntries(texts),
              value,
            })
            return Promise.resolve()
          },
        })
        .catch(reject)
    })
    return found
  } finally {
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
    await Promise.all([admin.disconnect(), producer.disconnect()])
  }
}
