import { bufferTable, type Fragment, identifier, join, raw, sql } from '@freshet/core'
import type { OpenSubscription } from '@freshet/refresh'

/**
 * What a feed asks. A row is identified by a hash of its binary image, as where rows have no key: it does not depend on
 * any session setting, and tells apart what equality does not (1.0 and 1.00).
 */

/** For a transaction in which a reader takes its time. */
export const UNHURRIED: Fragment = sql`
  select set_config('idle_in_transaction_session_timeout', '0', true),
    case when current_setting('transaction_timeout', true) is not null then set_config('transaction_timeout', '0', true) end`

export interface Window {
  /** Snapshots: what is visible in `to` and not in `from`. */
  readonly from: string
  readonly to: string
  /** So many feeds of this client read it now. */
  readonly readers: number
}

type Table = Pick<OpenSubscription, 'columns' | 'keyColumns' | 'stableName' | 'schema' | 'table'>

/** How rows are given: as columns, or each as the text of a JSON object. */
export type RowForm = 'values' | 'json'

/** The delta of a window, consolidated; rows that leave first. As JSON it is ordered by key, the row that leaves before the one that comes. */
export function changesStatement(
  { columns, keyColumns, stableName }: Table,
  { from, to }: Pick<Window, 'from' | 'to'>,
  form: RowForm,
): Fragment {
  const names = columnList(columns)
  const byKey = form === 'json' ? columnList(keyColumns) : sql``
  return sql`
    select ${formed(columns, form)}__w::float8 as __w, __id from (
      select *, sum(__weight) over same as __w, row_number() over same as __ordinal from (
        select ${names}__w as __weight, ${contentOf(columns)} as __id from ${bufferTable(stableName)}
        where ${unseen(from)} and pg_visible_in_snapshot(__x, ${to}::pg_snapshot)
      ) changes
      window same as (partition by __id rows between unbounded preceding and unbounded following)
    ) consolidated
    where __ordinal = 1 and __w <> 0
    order by ${byKey}__w`
}

/** The table as it is. */
export function tableStatement({ columns, schema, table }: Table, form: RowForm): Fragment {
  return sql`select ${formed(columns, form)}1::float8 as __w, ${contentOf(columns)} as __id from ${identifier(schema, table)}`
}

/** As two conditions on `__x`, of which an index can be asked. */
function unseen(snapshot: string): Fragment {
  return sql`(__x >= pg_snapshot_xmax(${snapshot}::pg_snapshot) or __x = any(array(select pg_snapshot_xip(${snapshot}::pg_snapshot))))`
}

export interface Place {
  readonly stableName: string
  readonly snapshot: string
}

/**
 * Of each place (a stream table and a frontier): `idle` when nothing lies after it. `changed` also says that its output
 * delta has begun anew, or is gone: reading will tell. One statement, so that its snapshot is the one it answers for.
 */
export function pollStatement(places: readonly Place[]): Fragment {
  const states = places.map(({ stableName, snapshot }) => {
    const buffer = bufferTable(stableName)
    const f = sql`${snapshot}::pg_snapshot`
    return sql`
      not exists (
        select from freshet.source
        where stable_name = ${stableName} and capture = 'refresh' and pg_visible_in_snapshot(began, ${f})
      )
      or exists (select from ${buffer} where __x >= pg_snapshot_xmax(${f}))
      or exists (select from ${buffer} where __x = any(array(select pg_snapshot_xip(${f}))))`
  })
  return sql`select pg_current_snapshot()::text as snapshot, array[${join(states)}]::bool[] as changed`
}

export const CURRENT_SNAPSHOT: Fragment = raw('select pg_current_snapshot()::text as snapshot')

function formed(columns: readonly string[], form: RowForm): Fragment {
  if (form === 'values') return columnList(columns)
  const names = join(columns.map((column) => identifier(column)))
  return sql`(select row_to_json(__row)::text from (select ${names}) __row) as json, `
}

function columnList(columns: readonly string[]): Fragment {
  return join(
    columns.map((column) => sql`${identifier(column)}, `),
    '',
  )
}

function contentOf(columns: readonly string[]): Fragment {
  const row = join(columns.map((column) => identifier(column)))
  return sql`encode(substr(sha256(record_send(row(${row}))), 1, 16), 'hex')`
}
