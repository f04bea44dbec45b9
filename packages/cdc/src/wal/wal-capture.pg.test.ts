import { setTimeout as sleep } from 'node:timers/promises'
import { bufferTable, type CaptureStream, raw, type SourceIdentifier, sql } from '@freshet/core'
import { startServer, TEST_SETTINGS } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changes, run, sourceOf, sumLaw } from '../capture.fixture.ts'
import { changeCapture } from '../capture.ts'
import { logTable } from '../capture-names.ts'
import { readStream } from './slot.ts'
import { walWorld, type WalWorld } from './wal.fixture.ts'

/** What a source's writers do is in its buffer as of any statement's snapshot, though the stream brings it later. */
const capture = changeCapture()
let world: WalWorld

beforeAll(async () => {
  world = await walWorld()
  world.start()
})
afterAll(() => world.drop())

async function left(source: SourceIdentifier, statement: string, columns: readonly string[]): Promise<string[]> {
  await world.database.query(sql`delete from ${logTable(source.stableName)}`)
  await run(world.database, statement)
  return changes(world.database, source, columns)
}

async function streamThatIs({ database }: WalWorld, wanted: 'read' | 'free'): Promise<CaptureStream> {
  for (;;) {
    const state = await readStream(database)
    if (state?.active === (wanted === 'read')) return state
    await sleep(5)
  }
}

test('inserts, updates, deletes; nothing for an update that leaves the captured columns alone', async () => {
  const source = await world.captured('create table plain (a int, b text, c int)', 'plain', ['a', 'b'])
  expect(await left(source, `insert into plain values (1, 'x', 1), (2, null, 1)`, ['a', 'b'])).toEqual([
    '1 1,x',
    '1 2,null',
  ])
  expect(await left(source, 'update plain set c = 2', ['a', 'b'])).toEqual([])
  expect(await left(source, `update plain set b = 'y' where a = 2`, ['a', 'b'])).toEqual(['-1 2,null', '1 2,y'])
  expect(await left(source, 'delete from plain where a = 1', ['a', 'b'])).toEqual(['-1 1,x'])
  expect(await left(source, 'begin; insert into plain values (7); rollback', ['a', 'b'])).toEqual([])
})

test('without captured columns rows are counted', async () => {
  const source = await world.captured('create table counted (a int)', 'counted', [])
  expect(await left(source, 'insert into counted values (1), (2); update counted set a = 3', [])).toEqual(['1', '1'])
  expect(await left(source, 'delete from counted', [])).toEqual(['-1', '-1'])
})

test('rows carry the top-level transaction: with subtransactions, and when it was prepared', async () => {
  const source = await world.captured('create table nested (a int)', 'nested', ['a'])
  const client = await world.client()
  const ids = async () =>
    (
      await world.database.query<{ id: string }>(
        raw(`select distinct __x::text as id from ${bufferTable(source.stableName).text}`),
      )
    ).map(({ id }) => id)
  await client.query(
    'begin; savepoint s; insert into nested values (1); savepoint t; insert into nested values (2), (3); rollback to t',
  )
  const { rows } = await client.query<{ id: string }>('select pg_current_xact_id()::text as id')
  expect(await ids()).toEqual([])
  await client.query('commit')
  expect(await ids()).toEqual(rows.map(({ id }) => id))
  expect(await changes(world.database, source, ['a'])).toEqual(['1 1'])
  await world.database.query(sql`delete from ${logTable(source.stableName)}`)
  await client.query(`begin; insert into nested values (4); prepare transaction 'wal ${world.name}'`)
  expect(await ids()).toEqual([])
  await client.query(`commit prepared 'wal ${world.name}'`)
  expect(await changes(world.database, source, ['a'])).toEqual(['1 4'])
})

test('a commit that is not flushed yet is waited for like any other', async () => {
  const source = await world.captured('create table lazy (a int)', 'lazy', ['a'])
  const client = await world.client()
  await client.query('set synchronous_commit = off')
  for (let i = 1; i <= 20; i++) {
    await client.query(`insert into lazy values (${i})`)
    expect(await changes(world.database, source, ['a'])).toHaveLength(i)
  }
})

test('a commit that has come through the stream before it is visible is not shown before it is visible', async () => {
  // who commits here waits for a standby that there is not: flushed, sent, and still in progress to everybody else
  await using server = await startServer({
    settings: { ...TEST_SETTINGS, synchronous_standby_names: 'nobody', synchronous_commit: 'local' },
  })
  await using own = await walWorld({ serverUrl: server.url })
  own.start()
  const source = await own.captured('create table early (a int)', 'early', ['a'])
  const client = await own.client()
  const pid = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0]?.pid
  await client.query('set synchronous_commit = on')
  const committing = client.query('insert into early values (1)')
  const came = sql`select count(*)::int as rows from ${logTable(source.stableName)}`
  while ((await own.database.query<{ rows: number }>(came))[0]?.rows !== 1) await sleep(10)
  expect(await own.database.query(raw('select a from early'))).toEqual([])
  expect(await changes(own.database, source, ['a'])).toEqual([])
  await own.database.query(sql`select pg_cancel_backend(${pid}::int)`)
  await committing
  expect(await own.database.query(raw('select a from early'))).toEqual([{ a: 1 }])
  expect(await changes(own.database, source, ['a'])).toEqual(['1 1'])
})

test('in a transaction whose snapshot does not move, the buffer can not be read without a hand-over', async () => {
  const source = await world.captured('create table still (a int)', 'still', ['a'])
  await world.database
    .transaction(
      async (transaction) => {
        await transaction.query(raw('select 1'))
        const reading = transaction.query(raw(`select from ${bufferTable(source.stableName).text}`))
        await expect(reading).rejects.toMatchObject({ sqlState: 'FR003' })
      },
      { isolation: 'repeatable read' },
    )
    .catch(() => undefined)
  await run(world.database, 'insert into still values (1)')
  const count = raw(`select count(*)::int as rows from ${bufferTable(source.stableName).text}`)
  await world.database.transaction(
    async (transaction) => {
      await transaction.query(raw('select 1'))
      await run(world.database, 'insert into still values (2)')
      const takeBack = await capture.handOver(world.database, transaction, [source.stableName])
      expect(await transaction.query(count)).toEqual([{ rows: 1 }])
      await takeBack?.()
    },
    { isolation: 'repeatable read' },
  )
  expect(await world.database.query(count)).toEqual([{ rows: 2 }])
})

test('more columns are captured while writers go on, each row with all that it should have', async () => {
  const source = await world.captured('create table grown (id int primary key, a int, b text)', 'grown', ['id'])
  const wrong = await sumLaw(world.database, source, ['id'])
  const client = await world.client()
  const state = { stopped: false, rows: 0 }
  const writing = (async () => {
    while (!state.stopped) {
      state.rows++
      await client.query(`insert into grown values (${state.rows}, ${state.rows}, 'b${state.rows}')`)
    }
  })()
  await sleep(100)
  await capture.ensure(world.database, source, ['id', 'b'])
  const [first] = await world.database.query<{ id: number }>(raw('select coalesce(max(id), 0) as id from grown'))
  await sleep(100)
  state.stopped = true
  await writing
  expect(await wrong()).toBe(0)
  const missing = raw(
    `select count(*)::int as n from ${bufferTable(source.stableName).text} where id > ${first?.id} and b is distinct from 'b' || id`,
  )
  expect(await world.database.query(missing)).toEqual([{ n: 0 }])
  expect(state.rows).toBeGreaterThan(first?.id ?? 0)
})

test('a change that the log can not hold is a marker, and the stream goes on', async () => {
  const source = await world.captured('create table shaped (a int primary key, b int)', 'shaped', ['a', 'b'])
  const other = await world.captured('create table beside (a int)', 'beside', ['a'])
  expect(
    await left(source, `alter table shaped alter b type text; insert into shaped values (1, 'x'), (2, 'y')`, [
      'a',
      'b',
    ]),
  ).toEqual(['0 null,null'])
  expect(await left(other, 'insert into beside values (1)', ['a'])).toEqual(['1 1'])
  expect((await capture.inspect(world.database, source.stableName)).map(({ kind }) => kind)).toEqual(['column_changed'])
  await capture.ensure(world.database, source, ['a', 'b'])
  expect(await left(source, `insert into shaped values (3, 'z')`, ['a', 'b'])).toEqual(['0 null,null', '1 3,z'])
  expect(
    await left(source, 'alter table shaped replica identity default; update shaped set b = 9 where a = 3', ['a', 'b']),
  ).toContain('0 null,null')
  expect((await capture.inspect(world.database, source.stableName)).map(({ kind }) => kind)).toEqual(['not_published'])
})

test('TRUNCATE is a marker of its transaction', async () => {
  const source = await world.captured('create table emptied (a int)', 'emptied', ['a'])
  await run(world.database, 'insert into emptied values (1)')
  expect(await left(source, 'begin; insert into emptied values (2); truncate emptied; commit', ['a'])).toContain(
    '0 null',
  )
})

test('any number of processes may want to read the stream: one does, and another goes on when it stops', async () => {
  const source = await world.captured('create table shared (a int)', 'shared', ['a'])
  const wrong = await sumLaw(world.database, source, ['a'])
  for (let i = 0; i < 3; i++) {
    const other = world.start()
    const state = await streamThatIs(world, 'read')
    await run(world.database, `insert into shared values (${i})`)
    const [reader] = await world.database.query<{ pid: number }>(
      raw(`select active_pid as pid from pg_replication_slots where slot_name = '${state.slot}'`),
    )
    await world.database.query(sql`select pg_terminate_backend(${reader?.pid}::int, 5000)`)
    await run(world.database, `insert into shared values (${10 + i})`)
    expect(await wrong()).toBe(0)
    await other.stop()
  }
  expect(await changes(world.database, source, ['a'])).toHaveLength(6)
})

test('what was applied before a crash is not applied again, though the slot does not know of it', async () => {
  await using own = await walWorld()
  const source = await own.captured('create table once (a int)', 'once', ['a'])
  const state = await streamThatIs(own, 'free')
  // as the slot would be if none of what follows had been confirmed
  const copy = `${state.slot}_copy`
  await own.database.query(sql`select pg_copy_logical_replication_slot(${state.slot}::name, ${copy}::name)`)
  const first = own.start()
  await run(own.database, 'insert into once select generate_series(1, 100)')
  expect(await changes(own.database, source, ['a'])).toHaveLength(100)
  await first.stop()
  await streamThatIs(own, 'free')
  await own.database.query(sql`update freshet.wal_stream set slot_name = ${copy}`)
  await own.database.query(sql`select pg_drop_replication_slot(${state.slot}::name)`)
  own.start()
  await run(own.database, 'insert into once values (101)')
  expect(await changes(own.database, source, ['a'])).toHaveLength(101)
})

test('what can not be captured by WAL is refused with the reason; auto falls to triggers', async () => {
  const ensure = async (create: string, name: string, via: 'wal' | 'auto') => {
    await run(world.database, create)
    await capture.ensure(world.database, await sourceOf(world.database, name), ['a'], { via })
    const [row] = await world.database.query<{ capture: string }>(
      sql`select capture from freshet.source where table_name = ${name}`,
    )
    return row?.capture
  }
  const parts =
    'create table parts (a int) partition by list (a); create unlogged table part1 partition of parts default'
  await expect(ensure(parts, 'parts', 'wal')).rejects.toMatchObject({
    code: 'WAL_NOT_AVAILABLE',
    hint: 'alter table public.part1 set logged;',
  })
  expect(await ensure('select 1', 'parts', 'auto')).toBe('trigger')
  expect(await ensure('create table simple (a int)', 'simple', 'auto')).toBe('wal')
})

test('a slot waits for who has written; when that takes too long, nothing is left and others write on', async () => {
  await using own = await walWorld()
  await run(own.database, 'create table held (a int); create table other (a int)')
  const client = await own.client()
  await client.query('begin; insert into other values (1)')
  const source = await sourceOf(own.database, 'held')
  const impatient = changeCapture({ patienceMs: 200 })
  const ensuring = impatient.ensure(own.database, source, ['a'], { via: 'wal' })
  await expect(ensuring).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' })
  expect(await own.database.query(raw('select from pg_replication_slots where database = current_database()'))).toEqual(
    [],
  )
  await client.query('insert into held values (1); commit')
  await changeCapture().ensure(own.database, source, ['a'], { via: 'wal' })
  own.start()
  await run(own.database, 'insert into held values (2)')
  expect(await changes(own.database, source, ['a'])).toEqual(['1 2'])
})

test('released, a table has its replica identity back', async () => {
  const identities = async () =>
    (
      await world.database.query<{ line: string }>(
        raw(
          `select relname || ' ' || relreplident::text as line from pg_class where relname like 'ident%' and relkind = 'r' order by 1`,
        ),
      )
    ).map(({ line }) => line)
  const sources = [
    await world.captured('create table ident_default (a int primary key)', 'ident_default', ['a']),
    await world.captured(
      'create table ident_nothing (a int); alter table ident_nothing replica identity nothing',
      'ident_nothing',
      ['a'],
    ),
    await world.captured(
      'create table ident_index (a int not null); create unique index "Ünique" on ident_index (a); alter table ident_index replica identity using index "Ünique"',
      'ident_index',
      ['a'],
    ),
    await world.captured(
      'create table ident_full (a int); alter table ident_full replica identity full',
      'ident_full',
      ['a'],
    ),
  ]
  expect(await identities()).toEqual(['ident_default f', 'ident_full f', 'ident_index f', 'ident_nothing f'])
  for (const { stableName } of sources) await capture.release(world.database, stableName)
  expect(await identities()).toEqual(['ident_default d', 'ident_full f', 'ident_index i', 'ident_nothing n'])
})
