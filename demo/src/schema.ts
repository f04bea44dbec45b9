import { type Database, type Queryable, raw, sql } from '@freshet/core'
import { type Agenda, flightAt } from './agenda.ts'
import type { Airport, Flight } from './flights.ts'
import type { Change } from './life.ts'

/** The two source tables, ordinary ones: nothing in them knows of Freshet. */
const TABLES = [
  `create table airport (
    iata text primary key,
    name text not null,
    city text not null,
    state text not null
  )`,
  `create table flight (
    id bigint primary key,
    departs_at timestamp not null,
    origin text not null references airport,
    destination text not null references airport,
    distance int not null,
    delay int not null default 0,
    status text not null default 'scheduled' check (status in ('scheduled', 'departed'))
  )`,
  'create index on flight (origin)',
  'create index on flight (destination)',
]

const BATCH = 5_000

export interface Past {
  readonly airports: readonly Airport[]
  readonly flights: readonly Flight[]
  /** So many flights have departed, */
  readonly past: number
  /** and this is what happens next, which has happened */
  readonly plan: Agenda
  /** up to this time. */
  readonly until: number
}

/** Creates the tables and fills them as if the replay had been running for a while. */
export async function createSources(database: Database, { airports, flights, past, plan, until }: Past): Promise<void> {
  await database.transaction(async (transaction) => {
    for (const statement of TABLES) await transaction.query(raw(statement))
    await transaction.query(sql`
      insert into airport (iata, name, city, state)
      select * from unnest(${airports.map(({ iata }) => iata)}::text[], ${airports.map(({ name }) => name)}::text[],
        ${airports.map(({ city }) => city)}::text[], ${airports.map(({ state }) => state)}::text[])`)
    for (let from = 0; from < past; from += BATCH) {
      const length = Math.min(BATCH, past - from)
      const rows = Array.from({ length }, (_, i) => ({ id: from + i + 1, flight: flightAt(flights, from + i) }))
      await insertFlights(transaction, rows, 'departed')
    }
    while (plan.now < until) {
      const errands = plan.take(100)
      await writeChanges(
        transaction,
        errands.map(({ change }) => change),
      )
      plan.done(errands)
    }
  })
  await database.query(raw('vacuum (analyze) airport'))
  await database.query(raw('vacuum (analyze) flight'))
}

/** Writes the changes, at most one of each flight, in one statement per kind. Returns how many rows each touched. */
export async function writeChanges(database: Queryable, changes: readonly Change[]): Promise<Written> {
  const inserts = changes.filter((change) => change.kind === 'insert')
  const updates = changes.filter((change) => change.kind === 'update')
  const deletes = changes.filter((change) => change.kind === 'delete')
  const written = { inserts: inserts.length, updates: 0, deletes: 0 }
  if (inserts.length > 0) await insertFlights(database, inserts, 'scheduled')
  if (updates.length > 0) {
    const rows = await database.query(
      sql`update flight as f set delay = c.delay, status = c.status
        from unnest(${updates.map(({ id }) => id)}::bigint[], ${updates.map(({ delay }) => delay)}::int[],
          ${updates.map(({ status }) => status)}::text[]) as c (id, delay, status)
        where f.id = c.id returning f.id`,
      { prepared: true },
    )
    written.updates = rows.length
  }
  if (deletes.length > 0) {
    const ids = deletes.map(({ id }) => id)
    const rows = await database.query(sql`delete from flight where id = any(${ids}::bigint[]) returning id`, {
      prepared: true,
    })
    written.deletes = rows.length
  }
  return written
}

export interface Written {
  readonly inserts: number
  readonly updates: number
  readonly deletes: number
}

async function insertFlights(
  database: Queryable,
  rows: readonly { readonly id: number; readonly flight: Flight }[],
  status: 'scheduled' | 'departed',
): Promise<void> {
  const flights = rows.map(({ flight }) => flight)
  await database.query(
    sql`insert into flight (id, departs_at, origin, destination, distance, delay, status)
      select n.id, n.departs_at, n.origin, n.destination, n.distance, n.delay, ${status}
      from unnest(${rows.map(({ id }) => id)}::bigint[],
        ${flights.map(({ departsAt }) => new Date(departsAt).toISOString().slice(0, 19))}::timestamp[],
        ${flights.map(({ origin }) => origin)}::text[], ${flights.map(({ destination }) => destination)}::text[],
        ${flights.map(({ distance }) => distance)}::int[],
        ${flights.map(({ delay }) => (status === 'departed' ? delay : 0))}::int[])
        as n (id, departs_at, origin, destination, distance, delay)`,
    { prepared: true },
  )
}
