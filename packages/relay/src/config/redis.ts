import { z } from 'zod'

/** The part of a configuration that describes a sink `redis`. */
export const redis = z.strictObject({
  kind: z.literal('redis'),
  url: z.url({ protocol: /^rediss?$/, error: 'must be redis://… or rediss://…' }),
  durability: z.enum(['fsync', 'server']).default('fsync'),
  timeout_ms: z.int().min(1_000).max(300_000).default(30_000),
})
