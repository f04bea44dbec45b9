import { type Database, sql } from '@freshet/core'

/** What relays of this database do, whichever process they run in. */
export interface RelaysAnswer {
  readonly relays: readonly RelayStatus[]
}

export interface RelayStatus {
  /** Of its consumer. */
  readonly name: string
  /** Null: it relays a stream table. */
  readonly outbox: string | null
  /** Some process holds its lease. */
  readonly working: boolean
  /** ISO 8601. */
  readonly movedAt: string
  /** Messages that it has not passed; null when that is not known. */
  readonly waiting: number | null
  readonly waitingIsLowerBound: boolean
  /** When the oldest of them was written. */
  readonly waitingSince: string | null
  readonly deadLetters: number
}

interface Row extends Omit<RelayStatus, 'movedAt' | 'waitingSince'> {
  readonly movedAt: Date
  readonly waitingSince: Date | null
}

export async function relaysOf(database: Pick<Database, 'query'>): Promise<RelaysAnswer> {
  const rows = await database.query<Row>(sql`
    select name, outbox, working, moved_at as "movedAt", waiting, waiting_is_lower_bound as "waitingIsLowerBound",
      waiting_since as "waitingSince", dead_letters as "deadLetters"
    from freshet.relay_status()`)
  return {
    relays: rows.map(({ movedAt, waitingSince, ...row }) => ({
      ...row,
      movedAt: movedAt.toISOString(),
      waitingSince: waitingSince?.toISOString() ?? null,
    })),
  }
}
