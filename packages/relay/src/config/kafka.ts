import { z } from 'zod'
import { COMPRESSION_NAMES } from '../sinks/kafka/codecs.ts'
import { messageTemplate } from './template.ts'
import { tlsFiles } from './tls.ts'

/** What a client of Kafka needs to reach its brokers, a sink or a reader. */
export const brokers = {
  brokers: z.array(z.string().regex(/^[^:\s]+:\d+$/, 'must be host:port')).min(1),
  client_id: z.string().min(1).optional(),
  tls: z.union([z.boolean(), tlsFiles]).default(false),
  sasl: z
    .strictObject({
      mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']),
      username: z.string().min(1),
      password: z.string().min(1),
    })
    .optional(),
}

/** The part of a configuration that describes a sink `kafka`. */
export const kafka = z.strictObject({
  kind: z.literal('kafka'),
  ...brokers,
  compression: z.enum(COMPRESSION_NAMES).default('none'),
  partitioner: z.enum(['java', 'legacy']).default('java'),
  partition: messageTemplate.optional(),
  topics: z.array(z.string().min(1)).default([]),
  create_topics: z
    .strictObject({ partitions: z.int().min(1).default(1), replication_factor: z.int().min(-1).default(-1) })
    .optional(),
  positions_topic: z.string().min(1).default('freshet.positions'),
  transaction_timeout_ms: z.int().min(1_000).max(900_000).default(60_000),
})

export type KafkaConfig = Readonly<z.infer<typeof kafka>>
