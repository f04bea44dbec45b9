import { bufferSizes, type Fragment, literal, type Queryable, raw, sql } from '@freshet/core'
import type { CatalogTable } from './catalog.ts'

/**
 * Asking which stream tables have changes to read, as cheaply as possible.
 *
 * First `pg_current_snapshot()`: it differs whenever a transaction that wrote anything has ended, so an equal one means
 * that the last answer still holds. Then one prepared statement over the change buffers. A row lies outside a frontier F
 * exactly when its transaction is at or beyond F's xmax or in F's list of those in progress, and both are index
 * look-ups: the cost depends neither on the rows that wait nor on those that clean-up has yet to remove, nor on how long
 * the oldest transaction has been open.
 */
export interface PollAnswer {
  /** The snapshot in which the question was answered. */
  readonly snapshot: string
  /** Of the tables asked about: those with changes that their frontier has not seen. */
  readonly pending: readonly number[]
  /** Until the next back-off ends, by the server's clock; null when none runs. */
  readonly retryInMs: number | null
}

/** For the connection that polls: keep one plan, and never read a buffer from end to end. */
export const POLL_SETTINGS: readonly Fragment[] = [
  raw('set enable_seqscan = off'),
  raw('set enable_bitmapscan = off'),
  raw('set plan_cache_mode = force_generic_plan'),
  raw('set jit = off'),
  // what comes by WAL is seen when it has come
  raw(`set freshet.wal = 'behind'`),
]

export const RESET_POLL_SETTINGS: readonly Fragment[] = [
  raw('reset enable_seqscan'),
  raw('reset enable_bitmapscan'),
  raw('reset plan_cache_mode'),
  raw('reset jit'),
  raw('reset freshet.wal'),
]

export async function currentSnapshot(database: Queryable): Promise<string> {
  const [row] = await database.query<{ snapshot: string }>(sql`select pg_current_snapshot()::text as snapshot`, {
    prepared: true,
  })
  return row?.snapshot ?? ''
}

/**
 * The statement for these tables' sources; `$1` holds the ids of the tables that are asked about. A source whose buffer
 * is gone counts as changed: the refresh will find out what happened, and say so. For an immediate stream table no
 * change waits: its writers have applied it.
 */
export function pollStatement(tables: Iterable<CatalogTable>): string {
  const branches = new Map<string, string>()
  const immediate: number[] = []
  for (const { id, sources, effectiveMode } of tables) {
    if (effectiveMode === 'immediate') {
      immediate.push(id)
      continue
    }
    for (const { stableName, captured, buffered } of sources) {
      if (captured) branches.set(stableName, branch(stableName, buffered).text)
    }
  }
  const cases = [...branches].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, text]) => text)
  const changed = cases.length === 0 ? 'false' : `case d.stable_name ${cases.join(' ')} else false end`
  return `
    select pg_current_snapshot()::text as snapshot,
      (
        select min(extract(epoch from s.retry_at - clock_timestamp()) * 1000)::float8
        from freshet.stream_table_state s
        where s.status = 'active' and s.retry_at > clock_timestamp()
      ) as "retryInMs",
      array(
        select s.stream_table_id
        from freshet.stream_table_state s
        where s.stream_table_id = any($1::int[]) and s.stream_table_id <> all('{${immediate.join(',')}}'::int[]) and s.status = 'active'
          and (s.retry_at is null or s.retry_at <= clock_timestamp())
          and exists (
            select from freshet.dependency d
              cross join lateral (
                select (s.frontier -> d.stable_name -> '0' ->> 'snapshot')::pg_snapshot
              ) as seen (f)
            where d.stream_table_id = s.stream_table_id and ${changed}
          )
      ) as pending`
}

function branch(stableName: string, buffered: boolean): Fragment {
  if (!buffered) return sql`when ${literal(stableName)} then true`
  const sizes = bufferSizes(stableName)
  return sql`when ${literal(stableName)} then seen.f is null
    or exists (select from ${sizes} where __x >= pg_snapshot_xmax(seen.f))
    or exists (select from ${sizes} where __x = any(array(select pg_snapshot_xip(seen.f))))`
}

/** `statement` is from `pollStatement`. */
export async function pollBuffers(database: Queryable, statement: string, ids: readonly number[]): Promise<PollAnswer> {
  const [row] = await database.query<PollAnswer>({ text: statement, values: [ids] }, { prepared: true })
  return row ?? { snapshot: '', pending: [], retryInMs: null }
}

/**
 * How long ago each of these tables was refreshed, by anybody: asked right before a refresh that only the clock wants,
 * because another scheduler may have made it already. Tables that may not be refreshed now are left out.
 */
export async function refreshAges(database: Queryable, ids: readonly number[]): Promise<Map<number, number | null>> {
  const rows = await database.query<{ id: number; ageMs: number | null }>(
    sql`select stream_table_id as id, (extract(epoch from clock_timestamp() - refreshed_at) * 1000)::float8 as "ageMs"
      from freshet.stream_table_state
      where stream_table_id = any(${ids}::int[]) and status = 'active'
        and (retry_at is null or retry_at <= clock_timestamp())`,
    { prepared: true },
  )
  return new Map(rows.map(({ id, ageMs }) => [id, ageMs]))
}
