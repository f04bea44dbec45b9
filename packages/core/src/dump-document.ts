import { z } from 'zod'
import { isDumpScript, readDumpScript } from './dump-script.ts'
import { FreshetError } from './errors.ts'

/**
 * What of a database is Freshet's and can not be computed again, as one document: definitions, settings, and what a
 * person has decided. Not the rows: they follow from the queries. It names no OID, snapshot or transaction, so that it
 * means the same in any database.
 */
const text = z.string().min(1)

const streamTable = z.object({
  schema: text,
  table: text,
  /** As the user wrote it, and as PostgreSQL resolved it: names qualified, stars expanded. */
  query: text,
  definition: text,
  mode: z.enum(['auto', 'differential', 'full', 'immediate']),
  schedule: text,
  /** Change rows; dumps of before there were fuses have none. */
  fuse: z.number().nullable().default(null),
  /** The objective in milliseconds, and the tier; older dumps have neither. */
  slaMs: z.number().nullable().default(null),
  tier: z.enum(['hot', 'warm', 'cold', 'frozen']).default('hot'),
  /** With which others it is refreshed. */
  atomic: z.string().nullable().default(null),
  /** Where its rows were on a Citus cluster; null: on the server, or the coordinator. */
  output: z
    .discriminatedUnion('kind', [
      z.object({ kind: z.literal('reference') }),
      z.object({ kind: z.literal('distributed'), column: text }),
    ])
    .nullable()
    .default(null),
  /** Under which the query means what it means. */
  sessionSettings: z.record(z.string(), z.string()),
  state: z.object({
    status: z.enum(['initializing', 'active', 'paused', 'suspended']),
    reason: z.string().nullable(),
    refreshedAt: z.string().nullable(),
  }),
})

const dump = z.object({
  format: z.literal('freshet dump 1'),
  takenAt: text,
  database: text,
  server: text,
  schemaVersion: z.int(),
  settings: z.record(z.string(), z.unknown()),
  pausedSources: z.array(z.object({ schema: text, table: text })),
  /** Captured from the server's log; the rest by triggers. Dumps of before there was a choice have none. */
  walSources: z.array(z.object({ schema: text, table: text })).default([]),
  /** What is read comes before what reads it. */
  streamTables: z.array(streamTable),
})

export type Dump = z.infer<typeof dump>
export type DumpedStreamTable = z.infer<typeof streamTable>

export const DUMP_FORMAT = 'freshet dump 1'

/** From either form. */
export function parseDump(document: string): Dump {
  const parsed = dump.safeParse(asJson(document))
  if (parsed.success) return parsed.data
  const detail = parsed.error.issues
    .map(({ path, message }) => `${path.join('.') || 'document'}: ${message}`)
    .join('; ')
  throw new FreshetError('INVALID_DUMP', 'this is not a dump that this version can read', { detail })
}

function asJson(document: string): unknown {
  try {
    return isDumpScript(document) ? readDumpScript(document) : JSON.parse(document)
  } catch (error) {
    const detail = error instanceof Error ? error.message : undefined
    throw new FreshetError('INVALID_DUMP', 'this is not a dump: neither JSON nor the SQL of `freshet dump`', {
      detail,
      cause: error,
    })
  }
}
