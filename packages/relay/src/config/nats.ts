import { z } from 'zod'
import { tlsFiles } from './tls.ts'

/** The part of a configuration that describes a sink `nats`. */
export const nats = z.strictObject({
  kind: z.literal('nats'),
  servers: z.array(z.string().regex(/^[^/@\s]+:\d+$/, 'must be host:port')).min(1),
  name: z.string().min(1).optional(),
  tls: z.union([z.boolean(), tlsFiles]).default(false),
  credentials: z
    .union([
      z.strictObject({ user: z.string().min(1), password: z.string().min(1) }),
      z.strictObject({ token: z.string().min(1) }),
    ])
    .optional(),
  topics: z.array(z.string().min(1)).default([]),
  create_stream: z
    .strictObject({
      name: z.string().regex(/^[^\s.*>/\\]+$/, 'must have no spaces, dots, slashes and wildcards'),
      subjects: z.array(z.string().min(1)).min(1),
      replicas: z.int().min(1).max(5).default(1),
      duplicate_window_ms: z.int().min(100).max(86_400_000).default(120_000),
    })
    .optional(),
  acknowledge_ms: z.int().min(100).max(300_000).default(10_000),
})

export type NatsConfig = Readonly<z.infer<typeof nats>>
