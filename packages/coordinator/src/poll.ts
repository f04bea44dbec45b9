import { bufferSizes, type Fragment, literal, type Queryable, raw, sql } from '@freshet/core'
import type { CatalogTable } from './catalog.ts'

/**
 * Asking which stream tables have changes to read, as cheaply as possible.
 *
 * First `pg_current_snapshot()`: it differs whenever a transaction that wrote anything has ended, so an equal one means
 * that the last answer still holds; the server itself waits until it does. Where there are many sources, then statements
 * that look once at each: a source without a row at or beyond the xmin of the oldest frontier over it has nothing new for
 * anybody. Only the others are asked precisely, by prepared statements. A row lies outside a frontier F exactly when its
 * transaction is at or beyond F's xmax or in F's list of those in progress, and both are index look-ups: the cost depends
 * neither on the rows that wait nor on those that clean-up has yet to remove, nor on how long the oldest transaction has
 * been open.
 *
 * No statement names more than `PART` sources. One over thousands would hold a lock on each of their tables and indexes at
 * once, more than a server has room for as it comes; and whenever one of them was analyzed it would be planned anew.
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
export const POLL_SETTINGS: Readonly<Record<string, string>> = {
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  max_parallel_workers_per_gather: '0',
  // what comes by WAL is seen when it has come
  'freshet.wal': 'behind',
}

export async function currentSnapshot(database: Queryable): Promise<string> {
  const [row] = await database.query<{ snapshot: string }>(sql`select pg_current_snapshot()::text as snapshot`, {
    prepared: true,
  })
  return row?.snapshot ?? ''
}

export interface Awaited {
  readonly snapshot: string
  /** So long after the question it was still the one that was known; null: it was another one before. */
  readonly heldMs: number | null
}

/** Waits in the server until the snapshot is another than `known`, for `atMostMs`; it is looked at every `everyMs`. */
export async function awaitCommit(
  database: Queryable,
  known: string,
  everyMs: number,
  atMostMs: number,
): Promise<Awaited> {
  const [row] = await database.query<Awaited>(
    sql`select snapshot, held_ms as "heldMs" from freshet.await_commit(${known}, ${everyMs}, ${atMostMs})`,
    { prepared: true },
  )
  return row ?? { snapshot: '', heldMs: null }
}

/** What is asked about: made once for a catalog. */
export interface PollPlan {
  /** For an immediate stream table no change waits: its writers have applied it. */
  readonly immediate: ReadonlySet<number>
  /** Everything precisely, where there are few sources; null where there are many. */
  readonly atOnce: string | null
  readonly parts: readonly Part[]
  /** Up to so many sources are asked precisely one by one. */
  readonly few: number
}

/** Captured sources that one statement looks at. */
interface Part {
  readonly stableNames: readonly string[]
  /** Which of them may have something new, by their positions; `$1` holds the oldest xmin of each, null where nobody asks. */
  readonly first: string
  /** All of them precisely. */
  readonly all: string
  /** Each of them precisely. */
  readonly each: readonly string[]
}

interface PolledSource {
  readonly stableName: string
  readonly buffered: boolean
}

const FEW = 16
const PART = 128

/** Up to `few` sources are asked precisely, with no question before; of more, `part` at a time. */
export function pollPlan(tables: readonly CatalogTable[], few = FEW, part = PART): PollPlan {
  const known = new Map<string, PolledSource>()
  for (const { sources, effectiveMode } of tables) {
    if (effectiveMode === 'immediate') continue
    for (const source of sources) if (source.captured) known.set(source.stableName, source)
  }
  const sorted = [...known.values()].sort((a, b) => (a.stableName < b.stableName ? -1 : 1))
  const parts = Array.from({ length: Math.ceil(sorted.length / part) }, (_, i) =>
    sorted.slice(i * part, (i + 1) * part),
  )
  return {
    immediate: new Set(tables.flatMap(({ id, effectiveMode }) => (effectiveMode === 'immediate' ? [id] : []))),
    atOnce: sorted.length > few ? null : `${ANSWER}, ${pendingOf(sorted)}`,
    parts: parts.map((sources) => ({
      stableNames: sources.map(({ stableName }) => stableName),
      first: firstLook(sources),
      all: `select ${pendingOf(sources)}`,
      each: sources.map((source) => `select ${pendingOf([source])}`),
    })),
    few,
  }
}

const ANSWER = `
    select pg_current_snapshot()::text as snapshot,
      (
        select min(extract(epoch from s.retry_at - clock_timestamp()) * 1000)::float8
        from freshet.stream_table_state s
        where s.status = 'active' and s.retry_at > clock_timestamp()
      ) as "retryInMs"`

/** Of those that may be refreshed now; `$1` holds the ids of the tables that are asked about. */
const ASKED = `
        s.stream_table_id = any($1::int[]) and s.status = 'active'
          and (s.retry_at is null or s.retry_at <= clock_timestamp())`

const SEEN = `(s.frontier -> d.stable_name -> '0' ->> 'snapshot')::pg_snapshot`

/** The tables that have something to read in these sources, as `pending`. */
function pendingOf(sources: readonly PolledSource[]): string {
  const names = sources.map(({ stableName }) => literal(stableName).text)
  const cases = sources.map(
    ({ stableName, buffered }, i) => `when ${names[i]} then ${waits(stableName, buffered).text}`,
  )
  const changed = cases.length === 0 ? 'false' : `case d.stable_name ${cases.join(' ')} end`
  return `array(
        select s.stream_table_id
        from freshet.stream_table_state s
        where ${ASKED}
          and exists (
            select from freshet.dependency d cross join lateral (select ${SEEN}) as seen (f)
            where d.stream_table_id = s.stream_table_id and d.stable_name in (${names.join(', ') || 'null'}) and ${changed}
          )
      ) as pending`
}

/** A source whose buffer is gone counts as changed: the refresh will find out what happened, and say so. */
function waits(stableName: string, buffered: boolean): Fragment {
  if (!buffered) return sql`true`
  const sizes = bufferSizes(stableName)
  return sql`seen.f is null
    or exists (select from ${sizes} where __x >= pg_snapshot_xmax(seen.f))
    or exists (select from ${sizes} where __x = any(array(select pg_snapshot_xip(seen.f))))`
}

function firstLook(sources: readonly PolledSource[]): string {
  const looks = sources.map(({ stableName, buffered }, i) => {
    const oldest = raw(`($1::xid8[])[${i + 1}]`)
    const from = sql`select from ${bufferSizes(stableName)} where __x >= ${oldest}`
    return `select ${i} where ${buffered ? sql`exists (${from})`.text : sql`${oldest} is not null`.text}`
  })
  return `select array(${looks.join(' union all ')}) as touched`
}

/** From where on somebody has yet to read a source. */
const OLDEST = `${ANSWER}, array(
        select array[d.stable_name, min(coalesce(pg_snapshot_xmin(${SEEN}), '0'))::text]
        from freshet.stream_table_state s join freshet.dependency d using (stream_table_id)
        where ${ASKED}
        group by d.stable_name
      ) as oldest`

interface Oldest extends Omit<PollAnswer, 'pending'> {
  readonly oldest: readonly (readonly [stableName: string, xmin: string])[]
}

const NOTHING: PollAnswer = { snapshot: '', pending: [], retryInMs: null }

/** Of the tables asked about, those for which changes wait. The snapshot is the first that was looked at. */
export async function pollBuffers(database: Queryable, plan: PollPlan, all: readonly number[]): Promise<PollAnswer> {
  const ids = all.filter((id) => !plan.immediate.has(id))
  const ask = async <Row>(text: string, value: readonly unknown[]): Promise<Row | undefined> => {
    const [row] = await database.query<Row>({ text, values: [value] }, { prepared: true })
    return row
  }
  if (plan.atOnce !== null) return (await ask<PollAnswer>(plan.atOnce, ids)) ?? NOTHING
  const begun = await ask<Oldest>(OLDEST, ids)
  if (begun === undefined) return NOTHING
  const { oldest, ...answer } = begun
  const xmins = new Map(oldest)
  const touched = await Promise.all(
    plan.parts.map(async (part) => {
      const ofPart = part.stableNames.map((name) => xmins.get(name) ?? null)
      const asked = ofPart.some((xmin) => xmin !== null)
      const found = asked ? await ask<{ touched: readonly number[] }>(part.first, ofPart) : undefined
      return { part, positions: found?.touched ?? [] }
    }),
  )
  const many = touched.reduce((sum, { positions }) => sum + positions.length, 0) > plan.few
  const statements = touched.flatMap(({ part, positions }) =>
    many && positions.length > 0 ? [part.all] : positions.flatMap((i) => part.each[i] ?? []),
  )
  const answers = await Promise.all(statements.map((text) => ask<{ pending: readonly number[] }>(text, ids)))
  return { ...answer, pending: [...new Set(answers.flatMap((found) => found?.pending ?? []))] }
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
