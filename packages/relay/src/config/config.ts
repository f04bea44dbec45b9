import { z } from 'zod'
import { FORMATS, type FormatName } from '../envelope/envelope.ts'
import { checkTemplate } from '../route.ts'
import { type Loaded, loadDocument } from './document.ts'
import { kafka } from './kafka.ts'
import { nats } from './nats.ts'
import { rabbitmq } from './rabbitmq.ts'
import { redis } from './redis.ts'

/**
 * The configuration of a relay: a YAML file, checked as a whole when it is loaded. Every mistake is told with its path.
 * Names are as in the file: `snake_case`.
 */
const formatNames = Object.keys(FORMATS) as [FormatName, ...FormatName[]]
const whole = (low: number, high: number, fallback: number) => z.int().min(low).max(high).default(fallback)
const template = z.string().superRefine((text, context) => {
  const mistake = checkTemplate(text)
  if (mistake !== null) context.addIssue({ code: 'custom', message: mistake })
})

const webhook = z.strictObject({
  kind: z.literal('webhook'),
  url: z.url({ protocol: /^https?$/ }),
  secret: z.string().min(1).optional(),
  headers: z.record(z.string(), z.string()).default({}),
  concurrency: whole(1, 1_000, 8),
  timeout_ms: whole(1, 600_000, 10_000),
  attempts: whole(1, 100, 4),
})

const inbox = z.strictObject({
  kind: z.literal('inbox'),
  database: z.string().min(1),
  table: z.string().min(1),
})

const sink = z.discriminatedUnion('kind', [
  kafka,
  nats,
  rabbitmq,
  redis,
  z.strictObject({ kind: z.literal('stdout') }),
  z.strictObject({ kind: z.literal('file'), path: z.string().min(1) }),
  webhook,
  inbox,
])

const source = z.union([
  z.strictObject({ outbox: z.string().min(1) }),
  z.strictObject({ stream_table: z.string().min(1) }),
])

const relay = z
  .strictObject({
    source,
    from: z.enum(['beginning', 'now']).default('beginning'),
    format: z.enum(formatNames).default('freshet'),
    topic: template.default('{topic}'),
    key: template.default('{key}'),
    transform: z.string().min(1).optional(),
    sink_max_inflight: whole(2, 1_000_000, 1_000),
    sink_max_bytes: whole(1_024, 1_073_741_824, 16_777_216),
    poll_min_ms: whole(1, 60_000, 2),
    poll_max_ms: whole(1, 60_000, 25),
    breaker_failures: whole(1, 1_000, 5),
    sink,
  })
  .refine(({ poll_min_ms, poll_max_ms }) => poll_min_ms <= poll_max_ms, {
    path: ['poll_max_ms'],
    error: 'must be at least poll_min_ms',
  })

const config = z.strictObject({
  database: z.string().min(1).optional(),
  http: z
    .strictObject({ host: z.string().default('127.0.0.1'), port: z.int().min(0).max(65_535).default(8_720) })
    .optional(),
  relays: z
    .record(z.string().regex(/^[a-z][a-z0-9_.-]{0,62}$/, 'must be lower case letters, digits, _, . and -'), relay)
    .refine((relays) => Object.keys(relays).length > 0, 'there is no relay in it'),
})

export type RelayConfig = Readonly<z.infer<typeof config>>
export type PipelineConfig = Readonly<z.infer<typeof relay>>
export type SinkConfig = Readonly<z.infer<typeof sink>>
export type WebhookConfig = Readonly<z.infer<typeof webhook>>

export type LoadedConfig = Loaded<RelayConfig>

export function parseConfig(text: string, env: Readonly<Record<string, string | undefined>>): LoadedConfig {
  return loadDocument(config, text, env)
}
