import { type CapturedColumn, type Queryable, sql } from '@freshet/core'
import type { Message } from './pgoutput.ts'

/**
 * Where the rows of a published relation go: the log of its source, and which of the relation's columns make up which of
 * the log's. A relation that no longer fits what was captured (a column that is gone or has another type, old rows that
 * are not whole) is unfit: its transactions leave markers, and whoever reads recomputes, until capture is mended. So it
 * is while capture is paused.
 */
export interface Target {
  readonly stableName: string
  readonly fit: boolean
  /** The log's columns in their order, and what each holds. */
  readonly log: readonly string[]
  readonly fields: readonly LogField[]
  /** For each captured column its place in the relation. */
  readonly places: readonly number[]
}

/** What a column of a log holds; `column` counts the captured ones from 0. */
export type LogField =
  | { readonly kind: 'transaction' | 'node' | 'has new' | 'has old' | 'none' }
  | { readonly kind: 'new' | 'old'; readonly column: number }

type Relation = Extract<Message, { kind: 'relation' }>

/** None when the relation is not captured by WAL any more; several when it is a part of several sources. */
export async function findTargets(transaction: Queryable, relation: Relation): Promise<readonly Target[]> {
  const types = [...new Set(relation.columns.map(({ type }) => type))]
  const sources = await transaction.query<{
    stableName: string
    columns: readonly CapturedColumn[]
    log: readonly string[]
    types: Readonly<Record<string, string>>
    gate: string
  }>(sql`
    with recursive base (type, oid) as (
      select t, t from unnest(${types}::oid[]) as t
      union all
      select b.type, t.typbasetype from base b join pg_catalog.pg_type t on t.oid = b.oid where t.typtype = 'd'
    )
    select s.stable_name as "stableName", s.captured_columns as columns, s.gate,
      array(
        select a.attname::text from pg_catalog.pg_attribute a
        where a.attrelid = to_regclass('freshet_changes.log_' || s.stable_name) and a.attnum > 0 and not a.attisdropped
        order by a.attnum
      ) as log,
      (
        select coalesce(jsonb_object_agg(b.type::text, quote_ident(n.nspname) || '.' || quote_ident(t.typname)), '{}')
        from base b join pg_catalog.pg_type t on t.oid = b.oid and t.typtype <> 'd'
          join pg_catalog.pg_namespace n on n.oid = t.typnamespace
      ) as types
    from freshet.source s where s.capture = 'wal' and ${relation.relation}::oid = any (s.relation || s.members)`)
  return sources.map((source) => {
    const places = source.columns.map(({ name }) => relation.columns.findIndex((column) => column.name === name))
    const fit =
      source.gate === 'open' &&
      relation.identity === 'full' &&
      source.columns.every(({ type }, i) => source.types[String(relation.columns[places[i] ?? -1]?.type)] === type)
    return { stableName: source.stableName, fit, log: source.log, fields: source.log.map(fieldOf), places }
  })
}

function fieldOf(name: string): LogField {
  const side = /^(?<kind>new|old)_(?<position>\d+)$/.exec(name)?.groups
  if (side === undefined) return { kind: KINDS[name] ?? 'none' }
  return { kind: side['kind'] === 'new' ? 'new' : 'old', column: Number(side['position']) - 1 }
}

const KINDS: Readonly<Record<string, 'transaction' | 'node' | 'has new' | 'has old'>> = {
  __x: 'transaction',
  __n: 'node',
  __new: 'has new',
  __old: 'has old',
}
