import {
  type Database,
  type Fragment,
  identifier,
  parseSnapshot,
  printSnapshot,
  type Snapshot,
  sql,
} from '@freshet/core'
import { IS_DURABLE } from '../durable.ts'
import type { Outbox } from './outbox.ts'

/**
 * Reading windows of an outbox (law L1): what is visible in F₁ and not in F₀, ordered by id.
 *
 * A small window is one statement, whose own snapshot is F₁; it answers whether there is anything at the same time. A window
 * that is larger than a page is read along the primary key, from the least id that belongs to it: so many rows are looked at
 * for each page, and those of the window among them given. Nothing is sorted, and no transaction stays open between pages.
 */
export interface OutboxRow {
  readonly id: string
  readonly topic: string
  readonly key: string | null
  /** JSON text. */
  readonly headers: string
  /** JSON text, or bytes. */
  readonly payload: string | Uint8Array | null
  /** With microseconds, as ISO 8601. */
  readonly at: string
}

export interface PageBound {
  readonly rows: number
  /** Of payloads. One row is always given, however large it is. */
  readonly bytes: number
}

export interface OutboxPage {
  readonly rows: readonly OutboxRow[]
  /** The end of the window, F₁. */
  readonly to: Snapshot
  /** Up to which id it was read; null when the window is finished. */
  readonly after: string | null
  /** What it shows survives a crash of the server for sure. */
  readonly durable: boolean
}

interface Row extends OutboxRow {
  readonly inside: boolean
  readonly fits: boolean
}

/**
 * The window that ends now, as far as a page goes. Not prepared: planned for the very snapshot, it reads what is waiting and
 * nothing else, however much is kept. Its rows are fetched one by one, by their ids: the planner does not know how few are
 * waiting, and would rather read the whole table.
 */
export async function readNow(
  database: Database,
  outbox: Outbox,
  from: Snapshot,
  bound: PageBound,
): Promise<OutboxPage> {
  const waiting = sql`(
    select o.* from (
      select id from (select id from ${tableOf(outbox)} where ${unseen(from)} offset 0) waiting
      order by id limit ${bound.rows + 1}
    ) first cross join lateral (select * from ${tableOf(outbox)} where id = first.id offset 0) o
  ) o`
  const found = await database.query<Row & { snapshot: string; durable: boolean }>(
    sql`select now.*, page.* from (select pg_current_snapshot()::text as snapshot, ${IS_DURABLE} as durable) now left join lateral (
        ${pageOf(outbox, bound, waiting)}
      ) page on true
      order by page.id`,
  )
  const to = parseSnapshot(found[0]?.snapshot ?? '')
  const durable = found[0]?.durable === true
  const rows = found.filter(({ id }) => id !== null)
  const given = rows.slice(0, bound.rows).filter(({ fits }) => fits)
  if (given.length === rows.length) return { rows: given, to, after: null, durable }
  return { rows: given, to, after: given.at(-1)?.id ?? null, durable }
}

/** The next page of a window whose end is known. */
export async function readOn(
  database: Database,
  outbox: Outbox,
  window: { readonly from: Snapshot; readonly to: Snapshot; readonly after: string },
  bound: PageBound,
): Promise<OutboxPage> {
  const { from, to } = window
  const next = sql`(select * from ${tableOf(outbox)} where id > ${window.after}::bigint order by id limit ${bound.rows}) o`
  const inside = sql`not pg_visible_in_snapshot(__x, ${printSnapshot(from)}::pg_snapshot)
    and pg_visible_in_snapshot(__x, ${printSnapshot(to)}::pg_snapshot)`
  const found = await database.query<Row>(sql`${pageOf(outbox, bound, next, inside)} order by id`, { prepared: true })
  const fitting = found.filter(({ fits }) => fits)
  const finished = found.length < bound.rows && fitting.length === found.length
  return {
    rows: fitting.filter(({ inside }) => inside),
    to,
    after: finished ? null : (fitting.at(-1)?.id ?? null),
    durable: true, // its first page was
  }
}

/** What is waiting for a consumer: rows, and since when the oldest does. */
export function lagStatement(outbox: Pick<Outbox, 'schema' | 'table'>, from: Snapshot): Fragment {
  return sql`select count(*)::float8 as rows, min(created_at) as since from ${tableOf(outbox)} where ${unseen(from)}`
}

export function tableOf({ schema, table }: Pick<Outbox, 'schema' | 'table'>): Fragment {
  return identifier(schema, table)
}

/** As two conditions on `__x`, of which an index can be asked. */
function unseen(from: Snapshot): Fragment {
  const snapshot = printSnapshot(from)
  return sql`(__x >= pg_snapshot_xmax(${snapshot}::pg_snapshot) or __x = any(array(select pg_snapshot_xip(${snapshot}::pg_snapshot))))`
}

/**
 * Of the rows `o`. `fits`: with those before it, a row is not larger than a page may be; the first always fits. Values are
 * printed once, and only of rows that are inside, and of those that do not fit they stay in the server: hence the levels.
 */
function pageOf({ payload }: Outbox, { bytes }: PageBound, rows: Fragment, inside: Fragment = sql`true`): Fragment {
  const value = payload === 'bytea' ? sql`payload` : sql`payload::text`
  return sql`select id, topic, key, inside, fits, case when fits then headers end as headers,
      case when fits then payload end as payload, case when fits then at end as at
    from (select *, coalesce(sum(octet_length(payload)) over (order by id rows unbounded preceding), 0) <= ${bytes}::float8
        or row_number() over (order by id) = 1 as fits
    from (
      select id, topic, key, inside, case when inside then headers::text end as headers,
        case when inside then ${value} end as payload,
        case when inside then to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') end as at
      from (select *, ${inside} as inside from ${rows} offset 0) looked
      offset 0
    ) printed) summed`
}
