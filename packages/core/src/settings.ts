import { z } from 'zod'
import type { Database, Queryable } from './database.ts'
import { FreshetError } from './errors.ts'
import { raw, sql } from './sql.ts'

/**
 * Settings of a database, kept in `freshet.setting` and read by every process that works on it. Absent ones have their
 * default. `docs/settings.md` is generated from this file.
 */
export interface SettingFacts {
  readonly default: number | boolean
  readonly unit: string | null
  /** What values it takes, in words. */
  readonly takes: string
  readonly description: string
}

const facts = z.registry<SettingFacts>()
const DAY_MS = 86_400_000

const settings = z
  .object({
    cleanup_batch_rows: whole(
      10_000,
      'rows',
      [1, 1_000_000],
      'Consumed change rows that one clean-up transaction deletes at most.',
    ),
    cleanup_interval_ms: whole(1_000, 'ms', [10, DAY_MS], 'Pause between two clean-ups of the change buffers.'),
    history_retention_days: whole(30, 'days', [1, 3_650], 'How long the history of refreshes is kept.'),
    poll_min_ms: whole(
      5,
      'ms',
      [1, 60_000],
      'Pause between two looks at the change buffers while changes keep coming.',
    ),
    poll_max_ms: whole(
      10,
      'ms',
      [1, 60_000],
      'How often the server looks for a commit while nothing is to be done, and the longest such pause while refreshes run; at least poll_min_ms. After looks in vain that take long the pause is longer: twenty times what a look took, up to 200 ms.',
    ),
    max_concurrent_refreshes: whole(
      4,
      'refreshes',
      [1, 1_000],
      'Refreshes that one scheduler runs at the same time, each on a connection of its own.',
    ),
    error_backoff_min_ms: whole(
      500,
      'ms',
      [1, DAY_MS],
      'Pause after the first failed refresh of a stream table; it doubles with each further failure.',
    ),
    error_backoff_max_ms: whole(60_000, 'ms', [1, DAY_MS], 'The longest such pause; at least error_backoff_min_ms.'),
    max_consecutive_errors: whole(
      10,
      'errors',
      [1, 1_000_000],
      'After so many failed refreshes in a row a stream table is suspended, until it is resumed.',
    ),
    small_delta_rows: whole(
      1_000,
      'rows',
      [0, 1_000_000_000],
      'Up to so many pending change rows of a source a refresh runs a prepared statement that is planned for few; above, one that is planned anew. Taken when a stream table is created or altered.',
    ),
    subscription_retention_minutes: whole(
      1_440,
      'min',
      [1, 5_256_000],
      'How long the changes of a stream table are kept for a subscription that acknowledges nothing; after that its token is no longer good.',
    ),
    notify_coalesce_ms: whole(
      250,
      'ms',
      [0, 60_000],
      'Pause between two announcements of one stream table on a channel (`freshet.subscribe`); what a scheduler refreshes meanwhile is added up.',
    ),
    enabled: flag(
      true,
      'The switch for everything: while it is false, no source is captured and no scheduler refreshes. Better set by `freshet pause --everything`, which waits until it holds.',
    ),
    cdc_paused: flag(
      false,
      'While it is true, no source is captured: triggers return at once, and what reads a source is filled anew afterwards. Better set by `freshet pause --capture`, which waits until it holds.',
    ),
    wal_retained_limit_mb: whole(
      20_480,
      'MB',
      [0, 1_000_000_000],
      'Where sources are captured by WAL: when the server keeps more of its log for the replication slot, the slot is replaced, and the stream tables over its sources are recomputed; a full disk would stop every writer. 0: no limit.',
    ),
    citus_strict_cut: flag(
      false,
      'On Citus: holds off the writers of the sources, for some ten milliseconds, while a refresh takes its snapshots on all nodes. Then no transaction over several nodes is ever seen in part. While it is false, each shard is exact, and such a transaction may be seen on one node a moment before the other.',
    ),
    citus_worker_retry_ticks: whole(
      5,
      'tries',
      [1, 1_000_000],
      'On Citus: after so many tries in vain to reach a node, the scheduler raises the alarm (log, metric, `freshet citus status`). The tries go on, 100 ms to 30 s apart.',
    ),
    refuse_source_ddl: flag(
      false,
      'Refuses statements that would drop what a stream table reads or calls, or give another type to its columns. Needs event triggers: `freshet init --event-triggers`.',
    ),
    force_full_refresh: flag(
      false,
      'Makes every refresh that has changes to apply a full one, whatever the mode: for diagnosis.',
    ),
  })
  .refine((all) => all.poll_min_ms <= all.poll_max_ms, { path: ['poll_max_ms'], error: 'must be at least poll_min_ms' })
  .refine((all) => all.error_backoff_min_ms <= all.error_backoff_max_ms, {
    path: ['error_backoff_max_ms'],
    error: 'must be at least error_backoff_min_ms',
  })

export type Settings = Readonly<z.infer<typeof settings>>
export type SettingName = keyof Settings

/** Name → default, unit, what it takes and what it is for. */
export const SETTINGS: Readonly<Record<string, SettingFacts>> = Object.fromEntries(
  Object.entries(settings.shape).flatMap(([name, schema]) => {
    const known = facts.get(schema)
    return known === undefined ? [] : [[name, known]]
  }),
)

export const DEFAULT_SETTINGS: Settings = Object.freeze(settings.parse({}))

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settings.shape, name)
}

export async function readSettings(database: Queryable): Promise<Settings> {
  return validated(await storedValues(database))
}

/** Stores a value; null or undefined takes the stored one away, so that the default holds again. Returns all settings. */
export async function writeSetting(database: Database, name: string, value: unknown): Promise<Settings> {
  if (!isSettingName(name)) {
    throw new FreshetError('INVALID_SETTING', `there is no setting ${name}`, {
      detail: `There are ${Object.keys(SETTINGS).join(', ')}.`,
    })
  }
  const absent = value === null || value === undefined
  return database.transaction(async (transaction) => {
    // settings are checked together, so writers take turns
    await transaction.query(raw('lock table freshet.setting in share row exclusive mode'))
    const { [name]: _replaced, ...others } = await storedValues(transaction)
    const result = validated(absent ? others : { ...others, [name]: value })
    if (absent) {
      await transaction.query(sql`delete from freshet.setting where name = ${name}`)
    } else {
      await transaction.query(sql`
        insert into freshet.setting (name, value) values (${name}, ${JSON.stringify(value)})
        on conflict (name) do update set value = excluded.value, changed_at = clock_timestamp()`)
    }
    return result
  })
}

/** Names that this version does not know are a newer one's, and are left alone. */
async function storedValues(database: Queryable): Promise<Record<string, unknown>> {
  const rows = await database.query<{ name: string; value: unknown }>(raw('select name, value from freshet.setting'))
  return Object.fromEntries(rows.map((row) => [row.name, row.value]))
}

function validated(values: Record<string, unknown>): Settings {
  const parsed = settings.safeParse(values)
  if (parsed.success) return parsed.data
  const name = String(parsed.error.issues[0]?.path[0])
  const takes = SETTINGS[name]?.takes
  throw new FreshetError('INVALID_SETTING', `setting ${name} can not be ${JSON.stringify(values[name])}`, {
    detail: parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; '),
    ...(takes === undefined ? {} : { hint: `It takes ${takes}.` }),
  })
}

function whole(fallback: number, unit: string, [low, high]: readonly [number, number], description: string) {
  const takes = `a whole number from ${low} to ${high}`
  return z.int().min(low).max(high).default(fallback).register(facts, { default: fallback, unit, takes, description })
}

function flag(fallback: boolean, description: string) {
  return z
    .boolean()
    .default(fallback)
    .register(facts, { default: fallback, unit: null, takes: 'true or false', description })
}
