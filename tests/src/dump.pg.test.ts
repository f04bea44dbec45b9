import { connect, type Freshet } from '@freshet/client'
import { type Dump, identifier, parseDump, raw, writeSetting } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { expect, onTestFinished, test } from 'vitest'

/** A dump, restored into an empty database over the same sources, makes the same stream tables. */
const SOURCES = `create schema shop; create schema "Ünï ""x""";
  create table shop.items (id int primary key, kind text, n int, at timestamptz);
  create table "Ünï ""x"""."select; --" (kind text primary key, name text);
  insert into shop.items select i, 'k' || i % 4, i, timestamptz '2026-01-01 22:30:00+00' + i * interval '1 hour' from generate_series(1, 40) i;
  insert into "Ünï ""x"""."select; --" select 'k' || i, 'kind ' || i from generate_series(0, 3) i`

async function open(
  sources = SOURCES,
): Promise<{ own: TestDatabase; freshet: Freshet; readonly run: (script: string) => Promise<void> }> {
  const own = await createTestDatabase({ migrated: false })
  onTestFinished(() => own.drop())
  const run = async (script: string) => void (await own.database.query(raw(script)))
  await run(sources)
  await run(`alter database ${own.name} set search_path = shop, public`)
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  return { own, freshet, run }
}

async function build({ own, freshet, run }: Awaited<ReturnType<typeof open>>): Promise<void> {
  await freshet.init()
  await run(`alter database ${own.name} set timezone = 'Asia/Tokyo'`)
  const there = await connect(own.url)
  own.defer(() => there.close())
  // found by the search path, and read in the time zone of Tokyo
  await there.create({
    name: 'zz_base',
    query: 'select kind, at::date as day, sum(n) as s from items group by 1, 2',
    schedule: '5s',
    mode: 'differential',
  })
  await there.create({
    name: '"Ünï ""x""".named',
    query: 'select i.id, k.name from items i join "Ünï ""x"""."select; --" k on k.kind = i.kind',
  })
  await there.create({
    name: 'a_above',
    query: 'select day, max(s) as m from zz_base group by day',
    schedule: 'manual',
  })
  await there.create({
    name: 'at_once',
    query: 'select kind, count(*) as c from items group by kind',
    mode: 'immediate',
  })
  await there.create({ name: 'whole', query: 'select * from items', mode: 'full', schedule: 'manual' })
  await there.pause('whole')
  await writeSetting(own.database, 'poll_max_ms', 321)
}

/** What may differ between two databases with the same stream tables. */
function meaning(dump: Dump): unknown {
  return {
    ...dump,
    takenAt: null,
    database: null,
    streamTables: dump.streamTables.map((table) => ({ ...table, state: { ...table.state, refreshedAt: null } })),
  }
}

async function equal({ own }: { own: TestDatabase }, dump: Dump): Promise<void> {
  for (const { schema, table, definition, sessionSettings } of dump.streamTables) {
    await own.database.transaction(async (transaction) => {
      await transaction.query(raw(`set local timezone = '${sessionSettings['TimeZone'] ?? ''}'`))
      await assertEqualToQuery(transaction, identifier(schema, table).text, definition)
    })
  }
}

test('it comes back in another database: definitions, settings, what is paused; and follows its sources', async () => {
  const here = await open()
  await build(here)
  await here.freshet.pauseCapture({ kind: 'source', name: '"Ünï ""x"""."select; --"' })
  const dump = parseDump(JSON.stringify(await here.freshet.dump()))
  expect(dump.streamTables.map(({ table }) => table)).toEqual(['at_once', 'whole', 'zz_base', 'named', 'a_above'])

  const there = await open()
  await there.run(`alter database ${there.own.name} reset search_path`)
  const freshet = await connect(there.own.url)
  there.own.defer(() => freshet.close())
  expect(await freshet.restore(dump)).toMatchObject({
    created: expect.objectContaining({ length: 5 }) as [],
    kept: [],
    failed: [],
  })
  expect(meaning(await freshet.dump())).toEqual(meaning(dump))
  await equal(there, dump)
  await there.run(`insert into shop.items values (100, 'k1', 5, now()); delete from shop.items where id < 4;
    update "Ünï ""x"""."select; --" set name = 'other' where kind = 'k2'`)
  await freshet.refreshAll()
  await equal(there, dump)
  await freshet.resumeCapture({ kind: 'source', name: '"Ünï ""x"""."select; --"' })
  await freshet.refreshAll()
  await there.run(`update shop.items set n = n + 1, kind = 'k0'`)
  expect(await freshet.refresh('zz_base')).toMatchObject({ action: 'differential' })
  await freshet.refreshAll()
  await equal(there, dump)
})

test('repeated, it keeps what is there; what fails does not keep the rest from coming back', async () => {
  const here = await open()
  await build(here)
  const dump = await here.freshet.dump()
  const there = await open(
    SOURCES.replace('create table "Ünï ""x"""."select; --" (kind text primary key, name text);', '').replace(
      /insert into "Ünï.*$/,
      'select 1',
    ),
  )
  const first = await there.freshet.restore(dump)
  expect(first.failed.map(({ subject, error }) => [subject, error.code])).toEqual([
    ['"Ünï ""x""".named', 'UNKNOWN_RELATION'],
  ])
  expect(first.created).toHaveLength(4)
  await there.run(`create table "Ünï ""x"""."select; --" (kind text primary key, name text)`)
  expect(await there.freshet.restore(dump)).toEqual({
    created: ['"Ünï ""x""".named'],
    kept: first.created.slice(),
    failed: [],
  })
  await there.freshet.alter('whole', { query: 'select id from items' })
  const third = await there.freshet.restore(dump)
  expect(third.failed).toMatchObject([{ subject: 'shop.whole', error: { code: 'DUPLICATE_NAME' } }])
})

test.each([
  ['cdc_paused', { kind: 'capture' }],
  ['enabled', { kind: 'everything' }],
] as const)('the gate %s comes back, and the tables behind it are marked', async (_, gate) => {
  const here = await open()
  await build(here)
  await here.freshet.pauseCapture(gate)
  const dump = await here.freshet.dump()
  const there = await open()
  expect((await there.freshet.restore(dump)).failed).toEqual([])
  await there.run(`update shop.items set n = n + 1`)
  expect(await there.freshet.refresh('zz_base')).toMatchObject({ reason: 'CAPTURE_PAUSED' })
  await there.freshet.resumeCapture(gate)
  await there.freshet.refreshAll()
  await there.freshet.refresh('at_once')
  await equal(there, dump)
})

test.each([
  ['neither JSON nor SQL', '{', /neither JSON/],
  ['another format', '{"format": "freshet dump 2"}', /version can read/],
  [
    'something missing',
    JSON.stringify({ format: 'freshet dump 1', streamTables: [{ schema: 'a' }] }),
    /version can read/,
  ],
])('what is no dump is refused: %s', (_, text, message) => {
  expect(() => parseDump(text)).toThrow(
    expect.objectContaining({ code: 'INVALID_DUMP', message: expect.stringMatching(message) as string }) as Error,
  )
})

test('what was captured by WAL is so again, without a gap; where that can not be, it says so', async () => {
  const here = await open()
  await here.freshet.init()
  await here.run('create table shop.sold (a int); create table shop.kept (a int)')
  await here.freshet.create({ name: 'by_wal', query: 'select a, count(*) from shop.sold group by a', cdc: 'wal' })
  await here.freshet.create({ name: 'both', query: 'select s.a from shop.sold s join shop.kept k on k.a = s.a' })
  const dump = parseDump(JSON.stringify(await here.freshet.dump()))
  expect(dump.walSources).toEqual([{ schema: 'shop', table: 'sold' }])
  for (const name of ['by_wal', 'both']) await here.freshet.drop(name)

  const there = await open()
  await there.run(
    'create table shop.sold (a int); create table shop.kept (a int); insert into shop.sold values (1), (2)',
  )
  expect(await there.freshet.restore(dump)).toMatchObject({ failed: [] })
  expect(meaning(await there.freshet.dump())).toEqual(meaning(dump))
  there.freshet.startStream()
  await there.run('insert into shop.sold values (1), (3); insert into shop.kept values (1)')
  for (const name of ['by_wal', 'both'])
    expect(await there.freshet.refresh(name)).toMatchObject({ action: 'differential' })
  await equal(there, dump)
  for (const name of ['by_wal', 'both']) await there.freshet.drop(name)

  const other = await open()
  await other.run(
    'create table shop.kept (a int); create table shop.sold (a int, b int generated always as (a) virtual)',
  )
  const report = await other.freshet.restore(dump)
  expect(report.created).toHaveLength(2)
  expect(report.failed).toMatchObject([{ subject: 'shop.sold by WAL', error: { code: 'WAL_NOT_AVAILABLE' } }])
  await other.run('insert into shop.sold values (1)')
  await other.freshet.refreshAll()
  await equal(other, dump)
})
