import { type Queryable, sql, type Sql } from '@freshet/core'

/**
 * Which refreshes a transaction, or a window, holds, by their numbers in the history: asked only where somebody traces.
 *
 * The transaction of a refresh writes its row of history, so the row's xmin is that transaction, of which output deltas
 * and windows are made, too. It lacks the epoch: the transaction is the youngest before the window's end that it fits.
 */

/** The refreshes of this very transaction, of these stream tables. */
export function ownRefreshes(streamTables: readonly number[]): Sql {
  return sql`
    select t.id as "streamTable", h.refresh_id::text as "refreshId"
    from unnest(${[...streamTables]}::int[]) t (id) cross join lateral (
      select refresh_id, xmin from freshet.refresh_history
      where stream_table_id = t.id order by refresh_id desc limit 1
    ) h
    where h.xmin = pg_current_xact_id_if_assigned()::xid`
}

export interface OwnRefresh {
  readonly streamTable: number
  readonly refreshId: string
}

/** Far enough back for a reader that has been away for a moment, and as many as a span should point at. */
const LOOKED_AT = 1_000
const TOLD = 64

/** Those of a stream table that are visible in `to` and not in `from`, in their order; the last ones where there are very many. */
export async function refreshesWithin(
  queryable: Queryable,
  streamTable: number,
  window: { readonly from: string; readonly to: string },
): Promise<readonly string[]> {
  const rows = await queryable.query<{ refreshId: string }>(
    sql`
    with latest as (
      select refresh_id, xmin::text::bigint as x, pg_snapshot_xmax(${window.to}::pg_snapshot)::text::bigint as before
      from freshet.refresh_history
      where stream_table_id = ${streamTable} and error is null
      order by refresh_id desc limit ${LOOKED_AT}
    ),
    numbered as (
      select refresh_id, greatest(before - ((before - x) & 4294967295), 0)::text::xid8 as x from latest
    )
    select refresh_id::text as "refreshId" from numbered
    where pg_visible_in_snapshot(x, ${window.to}::pg_snapshot) and not pg_visible_in_snapshot(x, ${window.from}::pg_snapshot)
    order by refresh_id desc limit ${TOLD}`,
    { prepared: true },
  )
  return rows.map(({ refreshId }) => refreshId).reverse()
}
