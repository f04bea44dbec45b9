import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** A stream table whose storage has to be another one, for the same query: what people have given to it stays with it. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i`

/** By names: the relation is another one. */
const GIVEN = `
  select 'grants ' || coalesce((select string_agg(a::text, ' ' order by a::text) from unnest(relacl) a), '') || coalesce(reloptions::text, '') as fact
    from pg_class where oid = 'answer'::regclass
  union all select 'index ' || pg_get_indexdef(indexrelid) from pg_index where indrelid = 'answer'::regclass and not indisprimary
      and indexrelid::regclass::text !~ '__'
  union all select 'comment ' || obj_description('answer'::regclass)
  union all select 'trigger ' || tgname from pg_trigger where tgrelid = 'answer'::regclass and not tgisinternal
  union all select 'published ' || pubname from pg_publication_tables where tablename = 'answer'
  union all select 'view ' || pg_get_viewdef('reader'::regclass)
  order by 1`

test('its source loses its key: indexes, grants, views, publications and comments are there afterwards', async () => {
  await world.run(ITEMS)
  const answer = await world.stream('answer', 'select id, kind, n from items where n > 3')
  const above = await world.stream('above', 'select kind, sum(n) as s from answer group by kind')
  await world.run(`alter table answer set (fillfactor = 70); create index by_kind on answer (kind, n);
    create view reader as select id, kind from answer; create publication rebuilt_published for table answer;
    grant select on answer to public; comment on table answer is 'of items'`)
  const facts = async () => (await world.rows(GIVEN)).map((row) => row['fact'])
  const before = await facts()
  expect(before).toHaveLength(7)
  const [was] = await world.rows(`select 'answer'::regclass::oid::int as oid`)
  await world.run(`alter table items drop constraint items_pkey; insert into items values (7, 'k7', 70), (7, 'k7', 70)`)
  await world.refresh(answer)
  expect(await world.rows(`select 'answer'::regclass::oid::int as oid`)).not.toEqual([was])
  expect(await facts()).toEqual(before)
  expect(await world.rows(`select count(*)::int as n from reader where kind = 'k7'`)).toEqual([{ n: 2 }])
  expect(await world.rows(`select relname from pg_class where relname ~ '^(rebuilt|shadow_old)_'`)).toEqual([])
  await world.refresh(above)
  await world.step(`update items set n = n + 1`, `delete from items where id = 7`)
  await world.run('drop publication rebuilt_published')
})

test('readers wait for names alone: while it is filled, they read what it held', async () => {
  await world.run(ITEMS)
  await world.run(`create function slow(n int) returns int immutable language plpgsql as $$
    begin perform pg_advisory_xact_lock_shared(4711); return n; end $$`)
  const answer = await world.stream('answer', 'select id, kind, n from items where slow(n) > 3')
  const holder = await world.own.client()
  await holder.query('select pg_advisory_lock(4711)')
  await world.run(`alter table items drop constraint items_pkey`)
  const refreshing = world.refresh(answer)
  const blocked = `select from pg_locks where locktype = 'advisory' and not granted`
  while ((await world.rows(blocked)).length === 0);
  expect(await world.rows('select count(*)::int as n from answer')).toEqual([{ n: 37 }])
  await holder.query('select pg_advisory_unlock(4711)')
  await refreshing
  await world.step(`update items set n = n + 1`)
})
