import {
  advisoryUnlock,
  type CaptureStream,
  type Database,
  FreshetError,
  isFreshetError,
  type LockPatience,
  type Queryable,
  raw,
  readSettings,
  type Session,
  sql,
} from '@freshet/core'
import { writeMarker } from '../capture-log.ts'
import { notAvailable, type Obstacle } from './obstacle.ts'

/**
 * The publication and the slot of this database: one of each, whatever the number of sources.
 *
 * A slot that is lost (dropped, invalidated, left behind by a restored dump) or keeps too much is replaced by one of a new generation, and
 * every source gets a marker in the transaction that begins it: what was committed in between is nowhere, so whoever
 * reads must recompute. A reader that does not see that transaction yet is refused (`freshet.await_wal`), so nobody
 * takes the new slot's position for the old one's.
 */
export const PUBLICATION = 'freshet'

const LOCK_KEY = '5059423661430662'
const OLDEST_SERVER = 170_000

/** Slots are known to all databases of the cluster. */
export const SLOT_PREFIX = raw(
  `'freshet_' || substr(encode(sha256(convert_to(current_database(), 'UTF8')), 'hex'), 1, 12) || '_'`,
)

const TIMELINE = raw(`('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::bigint`)

/**
 * Whether the slot `s` can be read here, and tells of all that `w` has not applied. It does not where the server was
 * promoted, and the slot came over further than the rows did: changes that had been applied there are in neither.
 */
const USABLE = sql`coalesce(s.wal_status is distinct from 'lost' and s.database = current_database()
  and (coalesce(w.timeline, ${TIMELINE}) = ${TIMELINE} or s.confirmed_flush_lsn <= w.applied_lsn), false)`

/** Null when nothing is captured by WAL. */
export async function readStream(queryable: Queryable): Promise<CaptureStream | null> {
  const [row] = await queryable.query<CaptureStream>(
    sql`
    select coalesce(w.slot_name, '') as slot, coalesce(w.applied_lsn, '0/0')::text as applied, coalesce(s.active, false) as active,
      ${USABLE} as usable,
      coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.restart_lsn), 0)::float8 as "retainedBytes",
      greatest(coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), s.confirmed_flush_lsn), 0), 0)::float8 as "lagBytes",
      s.safe_wal_size::float8 as "safeBytes"
    from (select where exists (select from freshet.source where capture = 'wal')) needed
      left join freshet.wal_stream w on true
      left join pg_catalog.pg_replication_slots s on s.slot_name = w.slot_name`,
    { prepared: true },
  )
  return row ?? null
}

/** Why this server and role can not capture by WAL; null when they can. */
export async function serverObstacle(database: Database): Promise<Obstacle | null> {
  if (await database.session((session) => Promise.resolve(session.pooled))) return POOLED
  const [row] = await database.query<{ version: number; level: string; may: boolean; user: string }>(sql`
    select current_setting('server_version_num')::int as version, current_setting('wal_level') as level,
      (select rolsuper or rolreplication from pg_catalog.pg_roles where rolname = current_user) as may,
      quote_ident(current_user) as user`)
  if (row === undefined) throw new FreshetError('INTERNAL', 'the server says nothing about itself')
  if (row.version < OLDEST_SERVER) {
    return { reason: 'the server is older than PostgreSQL 17', hint: 'Capture by triggers works from 15 on.' }
  }
  if (row.level !== 'logical') {
    return {
      reason: `wal_level is ${row.level}`,
      hint: 'alter system set wal_level = logical; and restart the server.',
    }
  }
  if (!row.may) {
    return { reason: 'the role may not replicate', hint: `As a superuser: alter role ${row.user} replication;` }
  }
  return null
}

/**
 * Makes sure that there is a publication, and a slot that can be read, other than `inPlaceOf`. Returns whether one was
 * created.
 */
export async function establishStream(
  database: Database,
  { patienceMs }: LockPatience,
  { inPlaceOf = null }: { readonly inPlaceOf?: string | null } = {},
): Promise<boolean> {
  return database.session((session) => takingTurns(session, () => establish(session, patienceMs, inPlaceOf)))
}

const POOLED: Obstacle = {
  reason: 'the connection goes to a pooler',
  hint: 'Connect to the server itself: a stream of changes does not pass through a pooler.',
}

const SMALLEST_LIMIT = 2 ** 20

/** The server keeps more of its log for the slot than the settings permit. */
export async function keepsTooMuch(database: Database, { usable, retainedBytes }: CaptureStream): Promise<boolean> {
  if (!usable || retainedBytes <= SMALLEST_LIMIT) return false
  const { wal_retained_limit_mb: limit } = await readSettings(database)
  return limit > 0 && retainedBytes > limit * 2 ** 20
}

export async function takingTurns<T>(session: Session, work: () => Promise<T>): Promise<T> {
  // the lock would be left with somebody else
  if (session.pooled) throw notAvailable(POOLED)
  await session.query(raw(`select pg_advisory_lock(${LOCK_KEY})`))
  try {
    return await work()
  } finally {
    await advisoryUnlock(session, raw(LOCK_KEY))
  }
}

async function establish(session: Session, patienceMs: number, inPlaceOf: string | null): Promise<boolean> {
  const [known] = await session.query<{ slot: string; generation: number; usable: boolean }>(sql`
    select w.slot_name as slot, w.generation,
      ${USABLE} as usable
    from freshet.wal_stream w left join pg_catalog.pg_replication_slots s on s.slot_name = w.slot_name`)
  if (known?.usable === true && known.slot !== inPlaceOf) return false
  // before the slot: the stream looks the publication up as it was when a change was made
  await createPublication(session)
  const generation = (known?.generation ?? 0) + 1
  const [named] = await session.query<{ name: string }>(sql`select ${SLOT_PREFIX} || ${generation}::text as name`)
  const slot = named?.name ?? ''
  for (const old of new Set([known?.slot ?? slot, slot])) await dropSlot(session, old)
  const begun = await createSlot(session, slot, patienceMs)
  await session.transaction(async (transaction) => {
    await transaction.query(sql`
      insert into freshet.wal_stream as w (slot_name, generation, applied_lsn, timeline)
      values (${slot}, ${generation}, ${begun}::pg_lsn, ${TIMELINE})
      on conflict (only_row) do update set slot_name = excluded.slot_name, generation = excluded.generation,
        since = pg_current_xact_id(), applied_lsn = excluded.applied_lsn, timeline = excluded.timeline`)
    const sources = await transaction.query<{ name: string }>(
      sql`select stable_name as name from freshet.source where capture = 'wal' order by 1`,
    )
    for (const { name } of sources) await transaction.query(writeMarker(name))
  })
  return true
}

/** Before the slot is read: what it is confirmed up to from now on belongs to this timeline. */
export async function enterTimeline(database: Database): Promise<void> {
  await database.query(
    sql`update freshet.wal_stream set timeline = ${TIMELINE} where timeline is distinct from ${TIMELINE}`,
  )
}

/** Returns where it begins. The server waits for every transaction that writes to end before there is a slot. */
async function createSlot(session: Session, slot: string, patienceMs: number): Promise<string> {
  try {
    return await session.transaction(async (transaction) => {
      await transaction.query(sql`select set_config('statement_timeout', ${`${patienceMs}ms`}, true)`)
      const [created] = await transaction.query<{ lsn: string }>(
        sql`select lsn::text from pg_create_logical_replication_slot(${slot}, 'pgoutput', failover => true)`,
      )
      return created?.lsn ?? '0/0'
    })
  } catch (error) {
    if (!isFreshetError(error, 'STATEMENT_CANCELED')) throw error
    const message = `the replication slot could not be created within ${patienceMs / 1000} s: a transaction that has written has not ended`
    throw new FreshetError('LOCK_TIMEOUT', message, { sqlState: error.sqlState, cause: error })
  }
}

async function createPublication(session: Session): Promise<void> {
  const [found] = await session.query(sql`select from pg_catalog.pg_publication where pubname = ${PUBLICATION}`)
  if (found === undefined) await session.query(raw(`create publication ${PUBLICATION}`))
}

/** Ends whoever reads it. */
export async function dropSlot(queryable: Queryable, slot: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    const [found] = await queryable.query<{ pid: number | null }>(
      sql`select active_pid as pid from pg_catalog.pg_replication_slots
        where slot_name = ${slot} and database = current_database()`,
    )
    if (found === undefined) return
    if (found.pid !== null) await queryable.query(sql`select pg_terminate_backend(${found.pid}, 5000)`)
    try {
      await queryable.query(sql`select pg_drop_replication_slot(${slot})`)
      return
    } catch (error) {
      // somebody was faster to read it again
      if (!isFreshetError(error) || error.sqlState !== OBJECT_IN_USE || attempt === 5) throw error
    }
  }
}

const OBJECT_IN_USE = '55006'

/**
 * When no source is captured by WAL any more: a slot that nobody reads keeps the server's log for ever. Behind a pooler that
 * is left to a process that is not; it is one of the leftovers.
 */
export async function abandonStream(database: Database): Promise<void> {
  await database.session(async (session) => {
    if (session.pooled || (await needless(session)) === undefined) return
    await takingTurns(session, async () => {
      const slot = await needless(session)
      if (slot === undefined) return
      await dropSlot(session, slot)
      await session.query(raw('delete from freshet.wal_stream'))
      await session.query(raw(`drop publication if exists ${PUBLICATION}`))
    })
  })
}

async function needless(queryable: Queryable): Promise<string | undefined> {
  const [row] = await queryable.query<{ slot: string }>(sql`
    select slot_name as slot from freshet.wal_stream
    where not exists (select from freshet.source where capture = 'wal')`)
  return row?.slot
}
