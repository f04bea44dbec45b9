import { FreshetError } from '@freshet/core'
import type { Admin } from 'kafkajs'
import { POSITION_PARTITIONS } from './kept-position.ts'

/** What a missing topic is made with; null: it is not made, and whoever runs Kafka makes it. */
export interface NewTopics {
  readonly partitions: number
  /** -1: the broker's default. */
  readonly replicationFactor: number
}

export interface WantedTopics {
  /** Those that messages are known to go to. */
  readonly topics: readonly string[]
  readonly positionsTopic: string
  readonly create: NewTopics | null
}

/** All topics are there, or are made; what is missing is told together. */
export async function requireTopics(admin: Admin, { topics, positionsTopic, create }: WantedTopics): Promise<void> {
  const there = new Set(await admin.listTopics())
  const missing = topics.filter((topic) => !there.has(topic))
  if (missing.length > 0 && create === null)
    throw new FreshetError('SINK_REFUSED', `topics are missing in Kafka: ${missing.join(', ')}`, {
      hint: 'Create them, or let the relay do it: `create_topics` in its configuration.',
    })
  const replicationFactor = create?.replicationFactor ?? -1
  const wanted = missing.map((topic) => ({ topic, numPartitions: create?.partitions ?? 1, replicationFactor }))
  if (!there.has(positionsTopic))
    wanted.push({ topic: positionsTopic, numPartitions: POSITION_PARTITIONS, replicationFactor })
  if (wanted.length > 0) await admin.createTopics({ topics: wanted, waitForLeaders: true })
}

/** Of the protocol; Node does not find the library's own name for it, which is a CommonJS module. */
const TOPIC_RESOURCE = 2
const DEFAULT_LIMIT = 1_048_588

/** How large a batch of messages the topic takes. Where that can not be asked, Kafka's default. */
export async function batchLimit(admin: Admin, topic: string): Promise<number> {
  const found = await admin
    .describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic, configNames: ['max.message.bytes'] }],
    })
    .catch(() => null)
  const limit = Number(found?.resources[0]?.configEntries[0]?.configValue)
  return Number.isInteger(limit) && limit > 0 ? limit : DEFAULT_LIMIT
}
