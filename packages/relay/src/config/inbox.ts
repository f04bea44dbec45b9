import { z } from 'zod'
import type { KafkaInboxOptions } from '../inbox/from-kafka.ts'
import { type Loaded, loadDocument } from './document.ts'
import { brokers } from './kafka.ts'
import { readTls } from './tls.ts'

/** The configuration of a reader: from where to which inbox. */
const inboxConfig = z.strictObject({
  database: z.string().min(1).optional(),
  inbox: z.string().min(1),
  source: z.strictObject({
    kind: z.literal('kafka'),
    ...brokers,
    group: z.string().min(1),
    topics: z.array(z.string().min(1)).min(1),
    from: z.enum(['beginning', 'now']).default('beginning'),
    concurrency: z.int().min(1).max(100).default(4),
    session_timeout_ms: z.int().min(500).max(1_800_000).default(30_000),
  }),
})

export type InboxConfig = Readonly<z.infer<typeof inboxConfig>>

export function parseInboxConfig(text: string, env: Readonly<Record<string, string | undefined>>): Loaded<InboxConfig> {
  return loadDocument(inboxConfig, text, env)
}

/** What `readKafka` is told by it. Paths are as seen from the configuration's folder. */
export function kafkaInboxOptions({ source }: InboxConfig, folder: string): KafkaInboxOptions {
  const { tls, sasl, client_id: clientId } = source
  return {
    brokers: source.brokers,
    group: source.group,
    topics: source.topics,
    from: source.from,
    concurrency: source.concurrency,
    sessionTimeoutMs: source.session_timeout_ms,
    ...(clientId === undefined ? {} : { clientId }),
    ...(sasl === undefined ? {} : { sasl }),
    ...(tls === false ? {} : { tls: tls === true ? true : readTls(tls, folder) }),
  }
}
