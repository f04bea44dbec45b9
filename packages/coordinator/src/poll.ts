import { bufferSizes, type Fragment, literal, type Queryable, raw, sql } from '@freshet/core'
import type { CatalogTable } from './catalog.ts'

/**
 * Asking which stream tables have changes to read, as cheaply as possible.
 *
 * First `pg_current_snapshot()`: it differs whenever a transaction that wrote anything has ended, so an equal one means
 * that the last answer still holds; the server itself waits until it does. Where there are many sources, then a statement
 * that looks once at each: a source without a row at or beyond the xmin of the oldest frontier over it has nothing new for
 * anybody. Only the others are asked precisely, by prepared statements. A row lies outside a frontier F exactly when its
 * transaction is at or beyond F's xmax or in F's list of those in progress, and both are index look-ups: the cost depends
 * neither on the rows that wait nor on those that clean-up has yet to remove, nor on how long the oldest transaction has
 * been open.
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
  /** Captured sources, in the order of their stable names. */
  readonly sources: readonly PolledSource[]
  /** Every source precisely. */
  readonly all: string
  /** Which sources may have something new, by their position; null where there are few. `$2` holds their names. */
  readonly first: string | null
  /** Up to so many sources are asked precisely one by one. */
  readonly few: number
}

interface PolledSource {
  readonly stableName: string
  /** Of this source precisely. */
  readonly statement: string
}

const FEW = 16

/** Up to `few` sources are asked precisely, with no question before. */
export function pollPlan(tables: readonly CatalogTable[], few = FEW): PollPlan {
  const branches = new Map<string, { condition: Fragment; buffered: boolean }>()
  for (const { sources, effectiveMode } of tables) {
    if (effectiveMode === 'immediate') continue
    for (const { stableName, captured, buffered } of sources) {
      if (captured) branches.set(stableName, { condition: waits(stableName, buffered), buffered })
    }
  }
  const sorted = [...branches].sort(([a], [b]) => (a < b ? -1 : 1))
  const cases = sorted.map(([name, { condition }]) => sql`when ${literal(name)} then ${condition}`.text)
  return {
    immediate: new Set(tables.flatMap(({ id, effectiveMode }) => (effectiveMode === 'immediate' ? [id] : []))),
    sources: sorted.map(([stableName, { condition }]) => ({
      stableName,
      statement: preciseStatement(sql`d.stable_name = ${literal(stableName)} and (${condition})`.text),
    })),
    all: preciseStatement(cases.length === 0 ? 'false' : `case d.stable_name ${cases.join(' ')} else false end`),
    first: sorted.length <= few ? null : firstStatement(sorted.map(([name, { buffered }]) => ({ name, buffered }))),
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

function preciseStatement(changed: string): string {
  return `${ANSWER},
      array(
        select s.stream_table_id
        from freshet.stream_table_state s
        where ${ASKED}
          and exists (
            select from freshet.dependency d cross join lateral (select ${SEEN}) as seen (f)
            where d.stream_table_id = s.stream_table_id and ${changed}
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

function firstStatement(sources: readonly { readonly name: string; readonly buffered: boolean }[]): string {
  const looks = sources.map(({ name, buffered }, i) => {
    const oldest = raw(`(select xmins[${i + 1}] from oldest)`)
    const from = sql`select from ${bufferSizes(name)} where __x >= ${oldest}`
    return `select ${i} where ${buffered ? sql`exists (${from})`.text : sql`${oldest} is not null`.text}`
  })
  return `
    with frontier as (
      select d.stable_name, min(coalesce(pg_snapshot_xmin(${SEEN}), '0')) as xmin
      from freshet.stream_table_state s join freshet.dependency d using (stream_table_id)
      where ${ASKED}
      group by d.stable_name
    ),
    oldest as materialized (
      select array_agg(f.xmin order by n.position) as xmins
      from unnest($2::text[]) with ordinality as n (stable_name, position) left join frontier f using (stable_name)
    )
    ${ANSWER}, array(${looks.join(' union all ')}) as touched`
}

/** Of the tables asked about, those for which changes wait. The snapshot is the first that was looked at. */
export async function pollBuffers(database: Queryable, plan: PollPlan, all: readonly number[]): Promise<PollAnswer> {
  const ids = all.filter((id) => !plan.immediate.has(id))
  const precise = async (text: string) => {
    const [row] = await database.query<PollAnswer>({ text, values: [ids] }, { prepared: true })
    return row ?? { snapshot: '', pending: [], retryInMs: null }
  }
  if (plan.first === null) return precise(plan.all)
  const names = plan.sources.map(({ stableName }) => stableName)
  const [seen] = await database.query<Omit<PollAnswer, 'pending'> & { readonly touched: readonly number[] }>(
    { text: plan.first, values: [ids, names] },
    { prepared: true },
  )
  if (seen === undefined) return { snapshot: '', pending: [], retryInMs: null }
  const { touched, ...answer } = seen
  const statements = touched.flatMap((i) => plan.sources[i]?.statement ?? [])
  const answers = await Promise.all((touched.length > plan.few ? [plan.all] : statements).map(precise))
  return { ...answer, pending: [...new Set(answers.flatMap(({ pending }) => pending))] }
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
