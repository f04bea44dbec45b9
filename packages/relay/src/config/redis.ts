import { z } from 'zod'
import { tlsFiles } from './tls.ts'

/** The part of a configuration that describes a sink `redis`. */
export const redis = z
  .strictObject({
    kind: z.literal('redis'),
    url: z.url({ protocol: /^rediss?$/, error: 'must be redis://… or rediss://…' }),
    tls: tlsFiles.optional(),
    durability: z.enum(['fsync', 'server']).default('fsync'),
    timeout_ms: z.int().min(1_000).max(300_000).default(30_000),
  })
  .refine(({ url, tls }) => tls === undefined || url.startsWith('rediss:'), {
    path: ['tls'],
    error: 'needs a url rediss://…',
  })

export type RedisConfig = Readonly<z.infer<typeof redis>>
