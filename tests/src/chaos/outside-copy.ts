import type { FeedPage } from '@freshet/client'
import pg from 'pg'

/**
 * A copy of a stream table that is kept by its feed, in a table of a reader: the pages of a batch and its token are put
 * away in one transaction. Each batch is written down with the token that it follows, and none may follow a token that
 * another one follows already; a row that leaves must be there. So what comes twice is refused, whatever it holds.
 */
export const OUTSIDE = `
  create schema outside;
  create table outside.token (name text primary key, token text not null);
  create table outside.batch (name text not null, token text not null, after text, kind text not null,
    pages int not null, rows int not null, primary key (name, token), unique (name, after))`

/** Where a reader can be struck, in the order of a batch; `in the table` is between two pages of a snapshot. */
export type Place = 'taken' | 'between pages' | 'in the table' | 'put away' | 'token' | 'committed'

export interface OutsideCopy {
  /** The token that was put away. */
  token(): Promise<string | null>
  /** What comes from there on, until the feed ends. */
  take(pages: AsyncIterable<FeedPage<object>>): Promise<void>
  /** Gives up a batch that was begun. False when the connection is gone, and the batch with it. */
  breakOff(): Promise<boolean>
  close(): Promise<void>
}

/** `at` is told of every place that it comes to. */
export async function openOutsideCopy(url: string, name: string, at: (place: Place) => void): Promise<OutsideCopy> {
  const client = new pg.Client({ connectionString: url, application_name: 'outside' })
  client.on('error', () => undefined) // the statement that follows tells
  await client.connect()
  const table = `outside.${client.escapeIdentifier(name)}`

  const token = async () => {
    const { rows } = await client.query<{ token: string }>('select token from outside.token where name = $1', [name])
    return rows[0]?.token ?? null
  }

  const put = async ({ changes }: FeedPage<object>) => {
    const leaving = changes.filter(({ weight }) => weight < 0)
    const { rowCount } = await client.query(REMOVE.replaceAll(TABLE, table), [
      JSON.stringify(leaving.map(({ row }) => row)),
      leaving.map(({ weight }) => -weight),
    ])
    const expected = leaving.reduce((sum, { weight }) => sum - weight, 0)
    if (rowCount !== expected) throw new Error(`of ${expected} rows that left ${name}, ${rowCount} were there`)
    const coming = changes.filter(({ weight }) => weight > 0)
    await client.query(ADD.replaceAll(TABLE, table), [
      JSON.stringify(coming.map(({ row }) => row)),
      coming.map(({ weight }) => weight),
    ])
  }

  return {
    token,
    take: async (pages) => {
      let batch = { pages: 0, rows: 0 }
      for await (const page of pages) {
        at(batch.pages === 0 ? 'taken' : page.kind === 'snapshot' ? 'in the table' : 'between pages')
        if (batch.pages === 0) {
          await client.query('begin')
          if (page.kind === 'snapshot') await client.query(`delete from ${table}`)
        }
        await put(page)
        batch = { pages: batch.pages + 1, rows: batch.rows + page.changes.length }
        if (page.token === null) continue
        at('put away')
        const after = page.kind === 'snapshot' ? null : await token()
        await client.query(
          'insert into outside.batch (name, token, after, kind, pages, rows) values ($1, $2, $3, $4, $5, $6)',
          [name, page.token, after, page.kind, batch.pages, batch.rows],
        )
        await client.query(
          'insert into outside.token values ($1, $2) on conflict (name) do update set token = excluded.token',
          [name, page.token],
        )
        at('token')
        await client.query('commit')
        at('committed')
        batch = { pages: 0, rows: 0 }
      }
    },
    breakOff: () =>
      client.query('rollback').then(
        () => true,
        () => false,
      ),
    close: () => client.end(),
  }
}

const TABLE = '%table'

/** Each row as often as its weight says, and no other one that is the same. */
const REMOVE = `
  delete from ${TABLE} where ctid in (
    select held.ctid
    from (select ctid, c::text as image, row_number() over (partition by c::text) as nth from ${TABLE} c) held
      join rows from (jsonb_array_elements($1::jsonb), unnest($2::int[])) as r (row, weight)
        on jsonb_populate_record(null::${TABLE}, r.row)::text = held.image and held.nth <= r.weight)`

const ADD = `
  insert into ${TABLE}
  select (jsonb_populate_record(null::${TABLE}, r.row)).*
  from rows from (jsonb_array_elements($1::jsonb), unnest($2::int[])) as r (row, weight) cross join generate_series(1, r.weight)`
