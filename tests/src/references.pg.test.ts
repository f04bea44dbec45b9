import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { startCoordinator } from '@freshet/coordinator'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'

/** What makes a query another one, and what does not. */
const QUERY = 'select a.id, rate(a.v) as v from a join b using (id)'

let own: TestDatabase
let freshet: Freshet

beforeEach(async () => {
  own = await createTestDatabase()
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await run(`
    create table a (id int primary key, v int not null, s int generated always as (v * 2) stored);
    create table b (id int primary key);
    create function rate(n int) returns int language sql immutable as 'select $1';
    insert into a select i, i from generate_series(1, 30) i; insert into b select i from generate_series(1, 20) i`)
  await freshet.create({ name: 'answer', query: QUERY, mode: 'differential' })
  await freshet.create({ name: 'stored', query: 'select id, s from a', mode: 'differential' })
})

afterEach(() => own.drop())

const run = async (script: string) => {
  for (const statement of script.split(';')) await own.database.query(raw(statement))
}
const changes = () => own.database.query(raw('select name, change from freshet.changed_reference order by 1, 2'))

test.each([
  'vacuum full a',
  'cluster a using a_pkey',
  'reindex table concurrently a',
  'analyze a',
  'vacuum freeze a',
  'create index on a (v)',
  'alter table a set (fillfactor = 70)',
  'alter table a alter column s set statistics 7; alter table b add column more int',
  'grant execute on function rate to pg_monitor; alter function rate cost 3',
  'grant select on a to pg_monitor',
])('nothing has changed: %s', async (script) => {
  await run(script)
  expect((await changes()).filter((row) => !/ s of /.test(JSON.stringify(row)))).toEqual([])
  await run('update a set v = v + 1')
  expect(await freshet.refresh('answer')).toMatchObject({ action: 'differential' })
  await assertEqualToQuery(own.database, 'answer', QUERY)
})

test.each([
  [
    'create or replace function rate(n int) returns int language sql immutable as $$select $1 + 1$$',
    'public.rate was replaced',
  ],
  ['alter function rate stable', 'public.rate was replaced'],
  ['alter table a rename column v to w', 'v of public.a is now w'],
  ['alter table b rename to c', 'public.b is now public.c'],
  ['alter table b drop constraint b_pkey', 'public.b has lost a key'],
  ['create table part () inherits (b)', 'public.b was replaced, or has other parts'],
  ['alter table b set unlogged', 'public.b was replaced, or has other parts'],
])('it has changed: %s', async (script, what) => {
  await run(script)
  const sentences = (
    await own.database.query<{ name: string; change: string }>(
      raw('select name, change from freshet.changed_reference'),
    )
  ).map(({ name, change }) => `${name} ${change}`)
  expect(sentences).toContainEqual(expect.stringContaining(what))
  const [{ changed } = { changed: false }] = await own.database.query<{ changed: boolean }>(
    raw(
      `select freshet.query_changed(stream_table_id) as changed from freshet.stream_table where table_name = 'answer'`,
    ),
  )
  expect(changed).toBe(true)
})

test('another expression of a stored column: one full refresh', async () => {
  const [server] = await own.database.query<{ version: number }>(
    raw(`select current_setting('server_version_num')::int as version`),
  )
  const script =
    (server?.version ?? 0) >= 170_000
      ? 'alter table a alter column s set expression as (v * 3)'
      : 'alter table a drop column s; alter table a add column s int generated always as (v * 3) stored'
  await run(script)
  expect(await freshet.refresh('stored')).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
  await assertEqualToQuery(own.database, 'stored', 'select id, s from a')
})

test('a replaced view that would make the stream table read itself', async () => {
  await run('create view v as select id from b')
  await freshet.create({ name: 'first', query: 'select id from v' })
  await freshet.create({ name: 'second', query: 'select id from first' })
  await run('create or replace view v as select id from second')
  await expect(freshet.refresh('first')).rejects.toMatchObject({ code: 'CYCLE' })
})

test('a scheduler notices what leaves no change row', async () => {
  const { database, refresher, capture } = freshet
  const refreshed = new Promise<string>((resolve) => {
    const coordinator = startCoordinator({
      database,
      refresher,
      capture,
      listener: (event) => {
        if (event.kind === 'refreshed' && event.outcome.reason === 'SOURCE_CHANGED') resolve(event.table.name)
      },
    })
    own.defer(async () => void (await coordinator.drain()))
  })
  await run('create or replace function rate(n int) returns int language sql immutable as $$select $1 * 11$$')
  expect(await refreshed).toBe('public.answer')
  await assertEqualToQuery(own.database, 'answer', QUERY)
}, 30_000)
