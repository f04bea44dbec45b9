import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/**
 * Faults that were reproduced in a maintainer of stream tables whose frontier is a log position. Each is here by name,
 * with the traffic that makes it show: other changes that commit between the writer's statement and its commit.
 */
const SUMS = 'select region, count(*) as n, sum(amount) as total from sales group by region'
const PAIRS = 'select s.id, r.name, s.amount from sales s join region r on r.id = s.region'

let own: TestDatabase
let freshet: Freshet

async function build(cdc: 'trigger' | 'wal'): Promise<void> {
  own = await createTestDatabase()
  freshet = await connect(own.url)
  if (cdc === 'wal') freshet.startStream()
  own.defer(async () => {
    // a slot would outlive the database
    for (const { name } of await freshet.list()) await freshet.drop(name, { cascade: true })
    await freshet.close()
  })
  await run(`create table region (id int primary key, name text not null);
    create table sales (id int primary key, region int not null, amount int not null);
    insert into region values (1, 'north'), (2, 'south');
    insert into sales select i, 1 + i % 2, i from generate_series(1, 20) i`)
  await freshet.create({ name: 'sums', query: SUMS, mode: 'differential', cdc })
  await freshet.create({ name: 'pairs', query: PAIRS, mode: 'differential', cdc })
}

afterEach(() => own.drop())

const run = async (script: string) => void (await own.database.query(raw(script)))
const refreshed = async () => {
  for (const name of ['sums', 'pairs']) {
    expect((await freshet.refresh(name)).action).toMatch(/differential|none/)
    await assertEqualToQuery(own.database, name, name === 'sums' ? SUMS : PAIRS)
  }
}

describe.each(['trigger', 'wal'] as const)('capture by %s: the race of long transactions', (cdc) => {
  beforeEach(() => build(cdc))

  test.each(['read committed', 'repeatable read'])(
    'a %s writer, idle in its transaction, is not lost',
    async (level) => {
      const writer = await own.client()
      await writer.query(`begin isolation level ${level}; insert into sales values (100, 1, 100)`)
      await run('insert into sales values (101, 2, 1)')
      await refreshed()
      await run('insert into sales values (102, 2, 1)')
      await refreshed()
      await writer.query('commit')
      await refreshed()
    },
  )

  test('a writer begun after the last refresh, which commits after the next one, is not lost', async () => {
    await refreshed()
    const writer = await own.client()
    await writer.query('begin; update sales set amount = amount + 1000 where id = 3')
    await run('update sales set amount = amount + 1 where id = 4')
    await refreshed()
    await writer.query('commit')
    await refreshed()
  })

  test('a prepared transaction is not lost', async () => {
    const writer = await own.client()
    await writer.query(`begin; delete from sales where id = 5; prepare transaction '${own.name}'`)
    await run('delete from sales where id = 6')
    await refreshed()
    await writer.query(`commit prepared '${own.name}'`)
    await refreshed()
  })

  test('clean-up removes nothing of a writer that has not committed', async () => {
    const writer = await own.client()
    await writer.query('begin; insert into sales values (100, 1, 100)')
    await run('insert into sales select i, 2, 1 from generate_series(200, 260) i')
    // a refresh by hand removes what every reader has read
    await refreshed()
    await refreshed()
    await writer.query('insert into sales values (103, 1, 100); commit')
    await refreshed()
  })

  test('a TRUNCATE that commits late is not missed', async () => {
    const writer = await own.client()
    await run('insert into region values (3, $$west$$)')
    await writer.query('begin; truncate region')
    // sums does not read it, pairs would have to wait for its lock
    await run('insert into sales values (104, 1, 5)')
    expect(await freshet.refresh('sums')).toMatchObject({ action: 'differential' })
    await writer.query('commit')
    expect(await freshet.refresh('pairs')).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
    await refreshed()
  })
})

test('capture by wal: values come as they are: with spaces, quotes, NULL beside the word null, and of every type', async () => {
  await build('wal')
  await run(
    `create table told (id int primary key, said text, name varchar(40), at timestamptz, d double precision, n numeric, a text[])`,
  )
  const query = 'select name, said, at, d, n, a, count(*) as c from told group by 1, 2, 3, 4, 5, 6'
  await freshet.create({ name: 'tally', query, mode: 'differential', cdc: 'wal' })
  await run(`insert into told values
    (1, 'hello world', 'a b', '2026-01-02 03:04:05.678901+02', 0.1, 1e-30, array['x y', null, 'null', '"']),
    (2, null, 'null', null, 'infinity', 'NaN', null),
    (3, 'null', '', '-infinity', '-0', 12345678901234567890.123456789, '{}'),
    (4, $$it''s "quoted" \\ and old-key: x[integer]:1$$, '''', 'epoch', 1e300, null, array[['1', '2'], ['3', '4']])`)
  expect((await freshet.refresh('tally')).action).toBe('differential')
  await assertEqualToQuery(own.database, 'tally', query)
  await run(`update told set said = said || ' again', d = -d where id <> 2; update told set said = 'null' where id = 2;
    delete from told where id = 3`)
  expect((await freshet.refresh('tally')).action).toBe('differential')
  await assertEqualToQuery(own.database, 'tally', query)
})

describe('deltas', () => {
  beforeEach(() => build('trigger'))

  test('3.1: changes that commit while a refresh runs are applied once', async () => {
    const writer = await own.client()
    for (let i = 0; i < 30; i++) {
      await Promise.all([
        freshet.refresh('pairs'),
        freshet.refresh('sums'),
        writer.query(
          `update sales set amount = amount + 1 where id = ${1 + (i % 20)}; update region set name = name || '.'`,
        ),
      ])
    }
    await refreshed()
  })

  test.each([
    ['a null in the list', 'select id from sales where region not in (select id from hole)'],
    ['nulls in two columns', 'select id from sales where (region, amount) not in (select id, v from hole)'],
  ])('3.2: NOT IN with %s', async (_name, query) => {
    await run('create table hole (id int, v int); insert into hole values (2, 2)')
    await freshet.create({ name: 'rest', query, mode: 'differential' })
    for (const change of [
      'insert into hole values (null, null)',
      'insert into sales values (300, 7, 7)',
      'insert into hole values (1, null)',
      'delete from hole where id is null',
      'delete from hole',
    ]) {
      await run(change)
      await freshet.refresh('rest')
      await assertEqualToQuery(own.database, 'rest', query)
    }
  })

  test('3.4: duplicates of a table without a key come and go one by one', async () => {
    await run('create table twin (a int, b text); insert into twin values (1, $$x$$), (1, $$x$$), (1, $$x$$)')
    await freshet.create({ name: 'twins', query: 'select a, b from twin', mode: 'differential' })
    for (const change of [
      'delete from twin where ctid = (select min(ctid) from twin)',
      'insert into twin values (1, $$x$$), (1, $$x$$)',
      'update twin set b = $$y$$ where ctid = (select max(ctid) from twin)',
    ]) {
      await run(change)
      await freshet.refresh('twins')
      await assertEqualToQuery(own.database, 'twins', 'select a, b from twin')
    }
  })

  test('3.7b: long texts in every column and in the key do not fail the refresh', async () => {
    await run('create table page (title text, body text)')
    const query = 'select title, body, count(*) as n from page group by title, body'
    await freshet.create({ name: 'pages', query, mode: 'differential' })
    await freshet.create({ name: 'copies', query: 'select title, body from page', mode: 'differential' })
    await run(`insert into page select string_agg(md5(g::text || k), ''), string_agg(md5(k || g::text), '')
      from generate_series(1, 400) g, generate_series(1, 3) k group by k`)
    await run('insert into page select * from page limit 1')
    for (const [name, wanted] of [
      ['pages', query],
      ['copies', 'select title, body from page'],
    ] as const) {
      await freshet.refresh(name)
      await assertEqualToQuery(own.database, name, wanted)
    }
  })
})
