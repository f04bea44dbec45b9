import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import { trimBuffer } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, startServer, TEST_SETTINGS, type TestDatabase } from '@freshet/testkit'
import type pg from 'pg'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'

/**
 * One transaction that touches a million rows (fewer in the short form) passes through the triggers, the refresh follows
 * it, and after the clean-up the buffers are as small as they were. The packs of the long form wait for autovacuum, on a
 * server of its own where that comes every second; elsewhere VACUUM is called.
 */
const MOST_ROWS = LONG ? 1_000_000 : 20_000
const QUERY = 'select grp, sum(v) as total, count(*) as rows, min(length(note)) as note from big group by grp'

interface Size {
  readonly log: number
  readonly pack: number
}

/** In KiB, with indexes and TOAST. */
async function sizeOf(client: pg.Client): Promise<Size> {
  const { rows } = await client.query<Size>(`
    select sum(pg_total_relation_size(oid)) filter (where relname like 'log_%')::float8 / 1024 as log,
      sum(pg_total_relation_size(oid)) filter (where relname like 'pack_%')::float8 / 1024 as pack
    from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind = 'r'`)
  return rows[0] ?? { log: Number.NaN, pack: Number.NaN }
}

/** What an empty table keeps beside its rows (maps, the first pages of indexes), and a part of the index on `__x`. */
function small(size: Size, peak: Size): boolean {
  return size.log + size.pack <= 300 + (peak.log + peak.pack) * 0.1
}

async function vacuumed(client: pg.Client, peak: Size, patiently: boolean): Promise<Size> {
  const end = performance.now() + 240_000
  for (;;) {
    if (patiently) await untilVacuumed(client, end)
    else
      for (const { name } of (await client.query<{ name: string }>(BUFFERS)).rows) await client.query(`vacuum ${name}`)
    const size = await sizeOf(client)
    if (small(size, peak) || performance.now() > end) return size
    // what somebody's snapshot may still see is left for the next time: autovacuum's own ANALYZE has one
    await sleep(patiently ? 5_000 : 200)
  }
}

/** Looks at statistics alone: VACUUM stops cutting off the end of a table as soon as somebody waits for a lock on it. */
async function untilVacuumed(client: pg.Client, end: number): Promise<void> {
  for (;;) {
    await sleep(500)
    const { rowCount } = await client.query(`
      select from pg_stat_all_tables where n_dead_tup > 10000 and (schemaname = 'freshet_changes' or schemaname = 'pg_toast')
      union all select from pg_stat_progress_vacuum`)
    if (rowCount === 0 || performance.now() > end) return
  }
}

const BUFFERS = `
  select oid::regclass::text as name from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind = 'r'`

async function createDatabase(): Promise<TestDatabase> {
  if (!LONG) return createTestDatabase()
  const server = await startServer({ settings: { ...TEST_SETTINGS, autovacuum_naptime: '1s', max_wal_size: '4GB' } })
  const database = await createTestDatabase({ serverUrl: server.url })
  const drop = async () => {
    await database.drop()
    await server.stop()
  }
  return { ...database, drop, [Symbol.asyncDispose]: drop }
}

const TRANSACTIONS = { insert: '', update: 'update big set v = v + 1', delete: 'delete from big' } as const

/** Short values are gathered in packs; those that are too long for that become a row of the log for each changed row. */
const KINDS = [
  { kind: 'in packs', rows: MOST_ROWS, note: `'note ' || i % 13` },
  { kind: 'row by row', rows: Math.min(MOST_ROWS, 200_000), note: `repeat(md5('x'), 20)` },
] as const

test.each(KINDS)('$rows rows in one transaction, $kind', { timeout: 900_000 }, async ({ kind, rows, note }) => {
  await using database = await createDatabase()
  const client = await database.client()
  await client.query('create table big (id int primary key, grp int not null, v int not null, note text)')
  const freshet = await connect(database.url)
  database.defer(() => freshet.close())
  const { id } = await freshet.create({ name: 'by_group', query: QUERY, mode: 'differential', schedule: 'manual' })
  const { rows: sources } = await client.query<{ name: string }>('select stable_name as name from freshet.source')
  const lines = [`${rows} rows ${kind}, log + packs in KiB; before ${print(await sizeOf(client))}`]
  const insert = `insert into big select i, i % 1000, i % 77, ${note} from generate_series(1, ${rows}) as i`
  for (const [name, text] of Object.entries(TRANSACTIONS)) {
    const began = performance.now()
    await client.query(`begin; ${text === '' ? insert : text}; commit`)
    const writeMs = performance.now() - began
    const peak = await sizeOf(client)
    const outcome = await freshet.refresher.refresh(id)
    expect(outcome).toMatchObject({ action: 'differential', changeRows: name === 'update' ? 2 * rows : rows })
    await assertEqualToQuery(freshet.database, 'by_group', QUERY)
    const started = performance.now()
    let removed = 0
    for (const { name: source } of sources)
      for (let gone = 1; gone > 0; removed += gone)
        gone = await trimBuffer(freshet.database, freshet.capture, source, 10_000)
    const trimMs = performance.now() - started
    const after = await vacuumed(client, peak, LONG && kind === 'in packs')
    lines.push(
      `${name} (${seconds(writeMs)}): ${print(peak)}, refreshed in ${seconds(outcome.durationMs)}, ` +
        `${removed} rows removed in ${seconds(trimMs)}, then ${print(after)}`,
    )
    expect(small(peak, peak), 'the buffers grew').toBe(false)
    expect(small(after, peak), lines.join('\n')).toBe(true)
  }
  console.log(lines.join('\n  '))
})

function print({ log, pack }: Size): string {
  return `${Math.round(log)} + ${Math.round(pack)}`
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
