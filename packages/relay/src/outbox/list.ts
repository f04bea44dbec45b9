import { type Database, displayName, NOTHING_VISIBLE, parseSnapshot, raw, sql } from '@freshet/core'
import type { PayloadType } from './outbox.ts'
import { lagStatement, tableOf } from './read.ts'

/** What `freshet outbox list` shows. */
export interface OutboxStatus {
  readonly name: string
  readonly payload: PayloadType
  readonly keepMs: number
  /** What the table holds, passed or not. */
  readonly rows: number
  readonly consumers: readonly ConsumerStatus[]
}

export interface ConsumerStatus {
  readonly name: string
  /** Of messages that it has not passed; null when it is not known where it is. */
  readonly lag: number | null
  /** When the oldest of them was written. */
  readonly waitingSince: Date | null
  readonly movedAt: Date
}

interface Listed {
  readonly id: number
  readonly schema: string
  readonly table: string
  readonly payload: PayloadType
  readonly keepMs: number
}

export async function listOutboxes(database: Database): Promise<readonly OutboxStatus[]> {
  const found = await database.query<Listed>(
    raw(`select outbox_id as id, schema_name as schema, table_name as table, payload,
      keep_ms::float8 as "keepMs"
      from freshet.outbox
      where to_regclass(format('%I.%I', schema_name, table_name)) is not null order by schema_name, table_name`),
  )
  const listed: OutboxStatus[] = []
  for (const { id, payload, keepMs, ...place } of found) {
    const [count] = await database.query<{ rows: number }>(sql`select count(*)::float8 as rows from ${tableOf(place)}`)
    const consumers = await consumersOf(database, id, place)
    listed.push({ name: displayName(place), payload, keepMs, rows: count?.rows ?? 0, consumers })
  }
  return listed
}

async function consumersOf(
  database: Database,
  id: number,
  place: { readonly schema: string; readonly table: string },
): Promise<readonly ConsumerStatus[]> {
  const found = await database.query<{ name: string; position: string | null; frontier: string | null; movedAt: Date }>(
    sql`select name, position, frontier, moved_at as "movedAt" from freshet.consumer
      where outbox_id = ${id} order by name`,
  )
  const statuses: ConsumerStatus[] = []
  for (const { name, position, frontier, movedAt } of found) {
    const [lag] = await database.query<{ rows: number; since: Date | null }>(
      lagStatement(place, frontier === null ? NOTHING_VISIBLE : parseSnapshot(frontier)),
    )
    const known = position !== null
    statuses.push({
      name,
      lag: known ? (lag?.rows ?? 0) : null,
      waitingSince: known ? (lag?.since ?? null) : null,
      movedAt,
    })
  }
  return statuses
}
