import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import { writeSetting } from '@freshet/core'
import { createTestDatabase, freshSeed, random, type TestDatabase } from '@freshet/testkit'
import { startCoordinator } from '@freshet/coordinator'
import { expect, test, vi } from 'vitest'
import { bank, holdStream, settled } from './wal-bank.ts'
import { BANK_STREAMS, startWriters, TOTAL } from './writers.ts'

/**
 * The laws with sources that are captured by WAL: each refresh and each verification reads the tables in one snapshot,
 * and exactly the changes of the transactions that it shows, while the stream brings them later.
 */
async function walState(test: TestDatabase): Promise<{ slots: number; published: number; full: number }> {
  const client = await test.client()
  const { rows } = await client.query<{ slots: number; published: number; full: number }>(`
    select (select count(*)::int from pg_replication_slots where database = current_database()) as slots,
      (select count(*)::int from pg_publication_tables) as published,
      (select count(*)::int from pg_class where relreplident = 'f' and relnamespace = 'public'::regnamespace) as full`)
  return rows[0] ?? { slots: -1, published: -1, full: -1 }
}

test('both sides of joins change under six writers; refreshed and verified meanwhile; the stream is killed', async () => {
  const seed = freshSeed()
  await using database = await createTestDatabase()
  const { freshet, events } = await bank(database)
  const killer = await database.client()
  const writers = await startWriters(database, random(seed), 6)
  const order = random(seed + 1)
  const counts = { refreshes: 0, verified: 0, kills: 0 }
  const limit = performance.now() + 60_000
  try {
    while ((writers.counts.committed < 300 || counts.verified < 60) && performance.now() < limit) {
      const name = order.pick(Object.keys(BANK_STREAMS))
      const { action } = await freshet.refresh(name)
      if (action === 'differential') counts.refreshes++
      expect(await freshet.verify(name), `seed ${seed}, ${name}`).toMatchObject({ equal: true })
      counts.verified++
      const { rows } = await killer.query<{ total: number }>('select total::int as total from total')
      expect(rows, `seed ${seed}`).toEqual([{ total: TOTAL }])
      if (counts.verified % 15 === 0) {
        await killer.query(
          'select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database() and active',
        )
        counts.kills++
      }
    }
  } finally {
    await writers.stop()
  }
  await settled(freshet)
  const kinds = events.map(({ kind }) => kind)
  console.log(`seed ${seed}`, { ...writers.counts, ...counts })
  expect(kinds.filter((kind) => kind === 'interrupted').length).toBeGreaterThanOrEqual(counts.kills)
  expect(kinds).not.toContain('replaced')
  expect(counts.kills).toBeGreaterThan(0)
  expect(counts.refreshes).toBeGreaterThan(20)
  expect(writers.counts.committed).toBeGreaterThanOrEqual(300)
})

const MOVE = `
  update account set owner = 1 + owner % 8 where id <= 20;
  update owner set name = name || '!' where id <= 3;
  insert into ledger select id, 7 from account where id <= 20`

test('a refresh waits for the changes that its snapshot shows; without the wait it is wrong for ever', async () => {
  await using database = await createTestDatabase()
  const { freshet } = await bank(database)
  const client = await database.client()
  const names = ['by_owner', 'moved']
  const refreshed = () => Promise.all(names.map((name) => freshet.refresh(name)))
  const wrong = async () => {
    const found = []
    for (const name of names) if (!(await freshet.verify(name)).equal) found.push(name)
    return found
  }
  await settled(freshet)

  const first = await holdStream(database)
  await client.query(MOVE)
  const waiting = refreshed()
  expect(await Promise.race([waiting, sleep(500, 'waits')])).toBe('waits')
  await first.release()
  expect(await waiting).toMatchObject([{ action: 'differential' }, { action: 'differential' }])
  expect(await wrong()).toEqual([])

  // A refresh that finds nothing at all moves no frontier: some changes have come, and more are on their way.
  await client.query(MOVE)
  await client.query('select freshet.await_wal(pg_current_snapshot())')
  await client.query(`
    alter function freshet.await_wal(pg_snapshot) rename to really_await_wal;
    create function freshet.await_wal(seen pg_snapshot) returns boolean language sql volatile as 'select false'`)
  const second = await holdStream(database)
  await client.query(MOVE)
  await refreshed()
  await second.release()
  await client.query(`
    drop function freshet.await_wal(pg_snapshot);
    alter function freshet.really_await_wal(pg_snapshot) rename to await_wal`)
  await refreshed()
  expect(await wrong()).toEqual(names)
})

test('switched between triggers and WAL while writers go on: nothing is lost, nothing is doubled', async () => {
  const seed = freshSeed()
  await using database = await createTestDatabase()
  const { freshet } = await bank(database, 'trigger')
  const writers = await startWriters(database, random(seed), 6)
  const captures: string[] = []
  try {
    for (const cdc of ['wal', 'trigger', 'wal'] as const) {
      const name = `switched_to_${captures.length}`
      const query =
        'select o.name, count(*) as n, sum(a.balance) as s from account a join owner o on o.id = a.owner join ledger l on l.account = a.id group by 1'
      await freshet.create({ name, query, schedule: 'manual', cdc })
      const rows = await freshet.database.query<{ capture: string }>({
        text: 'select distinct capture from freshet.source',
        values: [],
      })
      captures.push(rows.map(({ capture }) => capture).join())
      for (let i = 0; i < 3; i++) {
        await sleep(30)
        for (const each of [name, ...Object.keys(BANK_STREAMS)])
          expect(await freshet.verify(each), `seed ${seed}, ${each}`).toMatchObject({ equal: true })
      }
    }
  } finally {
    await writers.stop()
  }
  await settled(freshet)
  expect(captures).toEqual(['wal', 'trigger', 'wal'])
  expect(writers.counts.committed).toBeGreaterThan(20)
})

test('a slot that is lost is replaced, and whoever read its sources is recomputed', async () => {
  await using database = await createTestDatabase()
  const { freshet, events } = await bank(database)
  const client = await database.client()
  await client.query('insert into ledger values (1, 1)')
  await settled(freshet)
  for (let round = 0; round < 2; round++) {
    await client.query(
      `select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where database = current_database() and active;`,
    )
    await client.query(
      `select pg_drop_replication_slot(slot_name) from pg_replication_slots where database = current_database()`,
    )
    await client.query(
      'insert into ledger values (2, 5), (3, -5); update account set balance = balance + 0, owner = 3 where id = 5',
    )
    while (events.filter(({ kind }) => kind === 'replaced').length <= round) await sleep(20)
    expect(await freshet.refresh('moves')).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
    await settled(freshet)
    await client.query('insert into ledger values (7, 7)')
    expect(await freshet.refresh('moves')).toMatchObject({ action: 'differential', changeRows: 1 })
    await settled(freshet)
  }
})

test('a slot for which the server keeps more than the limit is replaced, and what reads its sources is recomputed', async () => {
  await using database = await createTestDatabase()
  const { freshet, events } = await bank(database)
  await settled(freshet)
  const client = await database.client()
  const noise = `select pg_logical_emit_message(false, 'noise', repeat('x', 3 << 20))`
  await client.query(noise)
  await sleep(50)
  expect(events.map(({ kind }) => kind)).not.toContain('replaced')
  await writeSetting(freshet.database, 'wal_retained_limit_mb', 1)
  await client.query('insert into ledger values (1, 1), (2, -1)')
  while (!events.some(({ kind }) => kind === 'replaced')) {
    await client.query(noise)
    await sleep(50)
  }
  await writeSetting(freshet.database, 'wal_retained_limit_mb', 0)
  // the noise may have been too much for the new slot, too; and a refresh that waits meanwhile says so
  const refreshed = await vi.waitFor(() => freshet.refresh('moves'), 20_000)
  expect(refreshed).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
  await settled(freshet)
  await client.query('insert into ledger values (7, 7)')
  expect(await freshet.refresh('moves')).toMatchObject({ action: 'differential', changeRows: 1 })
  expect((await walState(database)).slots).toBe(1)
})

test('promoted with a slot that came over further than what had been applied: all is recomputed', async () => {
  await using database = await createTestDatabase()
  const { freshet, events } = await bank(database)
  await settled(freshet)
  const client = await database.client()
  const before = (
    await client.query<{ applied: string }>('select applied_lsn::text as applied from freshet.wal_stream')
  ).rows[0]
  await client.query('insert into ledger values (6, 66)')
  await client.query('select freshet.await_wal(pg_current_snapshot())')
  const logs = await client.query<{ log: string }>(
    `select oid::regclass::text as log from pg_class where relnamespace = 'freshet_changes'::regnamespace and relname ~ '^log_' and relkind = 'r'`,
  )
  // as a standby has it that got what wrote the rows, and not what applied them
  await client.query(`begin; update freshet.wal_stream set applied_lsn = '${before?.applied}', timeline = timeline - 1;
    ${logs.rows.map(({ log }) => `delete from ${log}`).join('; ')}; commit`)
  await client.query(
    'select pg_terminate_backend(active_pid) from pg_replication_slots where database = current_database()',
  )
  while (!events.some(({ kind }) => kind === 'replaced')) await sleep(20)
  expect(await freshet.refresh('moves')).toMatchObject({ action: 'full' })
  await settled(freshet)
})

test('the slot of an idle database does not keep what others write', async () => {
  await using database = await createTestDatabase()
  await using other = await createTestDatabase()
  const { freshet } = await bank(database)
  await settled(freshet)
  const client = await other.client()
  const [written] = (
    await client.query<{ lsn: string }>(
      `select pg_logical_emit_message(false, 'noise', repeat('x', 3 << 20))::text as lsn`,
    )
  ).rows
  const passed = `select from pg_replication_slots where database = $1 and restart_lsn > $2 and confirmed_flush_lsn > $2`
  // what a checkpoint also does, sooner or later
  do await client.query('select pg_log_standby_snapshot()')
  while ((await client.query(passed, [database.name, written?.lsn])).rowCount === 0)
})

test('paused and resumed while writers go on: nothing looks right that is not, and then nothing is lost', async () => {
  const seed = freshSeed()
  await using database = await createTestDatabase()
  const { freshet } = await bank(database)
  const writers = await startWriters(database, random(seed), 6)
  const gate = { kind: 'source', name: 'ledger' } as const
  const all = async () => {
    for (const name of Object.keys(BANK_STREAMS))
      expect(await freshet.verify(name), `seed ${seed}, ${name}`).toMatchObject({ equal: true })
  }
  try {
    for (let round = 0; round < 2; round++) {
      expect((await freshet.pauseCapture(gate)).paused).toEqual(['public.ledger'])
      await sleep(50)
      expect((await freshet.refresh('moves')).action).toBe('full')
      await all()
      expect((await freshet.resumeCapture(gate)).resumed).toEqual(['public.ledger'])
      await all()
      await sleep(50)
    }
  } finally {
    await writers.stop()
  }
  await settled(freshet)
  const client = await database.client()
  await client.query('insert into ledger values (1, 1)')
  expect(await freshet.refresh('moves')).toMatchObject({ action: 'differential', changeRows: 1 })
})

test('TRUNCATE comes as a marker; the last reader takes slot, publication and replica identity along', async () => {
  await using database = await createTestDatabase()
  const { freshet } = await bank(database)
  const client = await database.client()
  await client.query('insert into ledger values (1, 1), (2, -1)')
  await settled(freshet)
  await client.query(
    'begin; insert into ledger values (9, 9); truncate ledger; insert into ledger values (4, 2); commit',
  )
  expect(await freshet.refresh('moves')).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
  await settled(freshet)
  expect(await walState(database)).toEqual({ slots: 1, published: 3, full: 3 })
  for (const name of Object.keys(BANK_STREAMS)) await freshet.drop(name)
  expect(await walState(database)).toEqual({ slots: 0, published: 0, full: 0 })
})

test('in another cluster, and as a role that may not replicate', async () => {
  await using database = await createTestDatabase()
  const { freshet, events } = await bank(database)
  const client = await database.client()
  await client.query(`update freshet.installation set system_identifier = 'another'; insert into ledger values (1, 1)`)
  await freshet.init()
  await client.query(`insert into ledger values (2, 2)`)
  while (!events.some(({ kind }) => kind === 'replaced')) await sleep(20)
  await settled(freshet)
  await client.query('insert into ledger values (3, 3)')
  expect(await freshet.refresh('moves')).toMatchObject({ action: 'differential', changeRows: 1 })
  await settled(freshet)

  const role = `plain_${database.name}`
  await client.query(`create role ${role} login password 'x'; grant all on schema public, freshet_changes to ${role};
    grant create, temporary on database ${database.name} to ${role}; grant usage on schema freshet, freshet_changes to ${role};
    grant all on all tables in schema freshet, freshet_changes to ${role}; create table of_role (a int); alter table of_role owner to ${role}`)
  const url = new URL(database.url)
  url.username = role
  url.password = 'x'
  const other = await connect(url.toString())
  await expect(other.create({ name: 'mine', query: 'select a from of_role', cdc: 'wal' })).rejects.toMatchObject({
    code: 'WAL_NOT_AVAILABLE',
    hint: expect.stringContaining('replication') as string,
  })
  await client.query(`alter role ${role} replication; grant create on database ${database.name} to ${role};
    alter publication freshet owner to ${role}`)
  await other.create({ name: 'mine', query: 'select a from of_role', cdc: 'wal', schedule: 'manual' })
  await client.query('insert into of_role values (1)')
  expect(await other.refresh('mine')).toMatchObject({ action: 'differential', changeRows: 1 })
  expect(await other.verify('mine')).toMatchObject({ equal: true, rows: 1 })
  await other.drop('mine')
  await other.close()
  await client.query(`alter publication freshet owner to current_user; drop owned by ${role}; drop role ${role}`)
})

test('the doctor tells of the stream; a live stream table sees what comes through it, broken or not', async () => {
  await using database = await createTestDatabase()
  const { freshet } = await bank(database)
  await settled(freshet)
  const slot = async () =>
    (await freshet.doctor()).find(({ subject }) => subject.startsWith('freshet_') && !subject.includes('.'))
  expect(await slot()).toMatchObject({ level: 'ok' })
  const client = await database.client()
  await freshet.alter('moves', { schedule: 'live' })
  const { refresher, capture } = freshet
  const coordinator = startCoordinator({ database: freshet.database, refresher, capture, listener: () => undefined })
  await client.query(`select pg_terminate_backend(active_pid) from pg_replication_slots where active`)
  await client.query('insert into ledger values (1, 77)')
  const seen = 'select from moves where amount = 77'
  while ((await client.query(seen)).rowCount === 0) await sleep(10)
  expect(await coordinator.drain()).toEqual([])
  await settled(freshet)
})
