import { z } from 'zod'
import { messageTemplate } from './template.ts'
import { tlsFiles } from './tls.ts'

/** The part of a configuration that describes a sink `rabbitmq`. */
export const rabbitmq = z
  .strictObject({
    kind: z.literal('rabbitmq'),
    url: z.url({ protocol: /^amqps?$/, error: 'must be amqp://… or amqps://…' }),
    tls: tlsFiles.optional(),
    exchange: messageTemplate.default(''),
    routing_key: messageTemplate.default('{topic}'),
    queues: z.array(z.string().min(1)).default([]),
    create_queues: z.enum(['quorum', 'classic']).optional(),
    acknowledge_ms: z.int().min(100).max(300_000).default(30_000),
  })
  .refine(({ url, tls }) => tls === undefined || url.startsWith('amqps:'), {
    path: ['tls'],
    error: 'needs a url amqps://…',
  })

export type RabbitmqConfig = Readonly<z.infer<typeof rabbitmq>>
