import { type Database, isAnyClaimed, type Queryable, raw, sql } from '@freshet/core'
import { dropSlot, PUBLICATION, SLOT_PREFIX, takingTurns } from './slot.ts'

/**
 * What stays on the server when a process ends between the steps of setting the stream up or taking it down: a slot that
 * is not recorded, or is recorded and serves nobody, and the publication. None of it can be one transaction.
 */
interface Left {
  /** Not recorded: a slot is recorded by whoever creates it, before his turn ends. */
  readonly slots: readonly string[]
  /** Recorded, though no source is captured by WAL and nobody is about to. */
  readonly recorded: string | null
  readonly publication: boolean
}

export async function leftOfStream(database: Queryable): Promise<readonly string[]> {
  return describe(await look(database))
}

export async function removeLeftOfStream(database: Database): Promise<readonly string[]> {
  if (describe(await look(database)).length === 0) return []
  return database.session(async (session) => {
    // that is for a process at the server itself
    if (session.pooled) return []
    return takingTurns(session, async () => {
      const left = await look(session)
      for (const slot of left.slots) await dropSlot(session, slot)
      if (left.recorded !== null) {
        await dropSlot(session, left.recorded)
        await session.query(sql`delete from freshet.wal_stream where slot_name = ${left.recorded}`)
      }
      if (left.publication) await session.query(raw(`drop publication if exists ${PUBLICATION}`))
      return describe(left)
    })
  })
}

async function look(queryable: Queryable): Promise<Left> {
  const [left] = await queryable.query<Left>(sql`
    with needed as (
      select exists (select from freshet.source where capture = 'wal') or ${isAnyClaimed} as needed
    ),
    recorded as (select slot_name from freshet.wal_stream)
    select
      array(
        select s.slot_name::text from pg_catalog.pg_replication_slots s
        where s.database = current_database() and starts_with(s.slot_name, ${SLOT_PREFIX})
          and not exists (select from recorded r where r.slot_name = s.slot_name) order by 1
      ) as slots,
      (select r.slot_name from recorded r where not n.needed) as recorded,
      not n.needed and exists (select from pg_catalog.pg_publication where pubname = ${PUBLICATION}) as publication
    from needed n`)
  return left ?? { slots: [], recorded: null, publication: false }
}

function describe({ slots, recorded, publication }: Left): string[] {
  const names = recorded === null ? slots : [...slots, recorded]
  return [
    ...names.map((name) => `the replication slot ${name}`),
    ...(publication ? [`the publication ${PUBLICATION}`] : []),
  ]
}
