import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { alterStreamTable } from '../alter.ts'
import { findDefinition } from '../definition.ts'
import { createWorld, type World } from '../world.fixture.ts'

/** What people have given to a stream table stays with it when its query changes, and what reads it goes on. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i`
const SUMS = 'select kind, sum(n) as s from items group by kind'
/** The same columns, of the same types, one more, and an inner stage. */
const OTHER =
  'select kind, sum(m)::bigint as s, count(*) as c from (select kind, n % 3 as r, sum(n) as m from items where n > 5 group by kind, n % 3) x group by kind'
const alter = (query: string) => alterStreamTable(world.context, 'answer', { query })
const column = async (query: string) => (await world.rows(query)).map((row) => Object.values(row)[0])

/** All that the server's catalog says of the table and of what reads it, by names. */
const FACTS = `
  select 'owner ' || pg_get_userbyid(relowner) || ' ' || coalesce((select string_agg(a::text, ' ' order by a::text) from unnest(relacl) a), '')
      || ' ' || relrowsecurity || relforcerowsecurity || relreplident::text || relpersistence::text || coalesce(reloptions::text, '') as fact
    from pg_class where oid = 'answer'::regclass
  union all select 'column acl ' || attname || attacl::text from pg_attribute where attrelid = 'answer'::regclass and attacl is not null
  union all select 'statistics of ' || attname || attstattarget from pg_attribute where attrelid = 'answer'::regclass and attstattarget >= 0
  union all select 'comment ' || coalesce(a.attname, '') || d.description from pg_description d left join pg_attribute a on a.attrelid = objoid and a.attnum = objsubid and a.attnum > 0 where objoid = 'answer'::regclass
  union all select 'index ' || pg_get_indexdef(i.indexrelid) || coalesce(obj_description(i.indexrelid), '') || i.indisreplident from pg_index i where i.indrelid = 'answer'::regclass
  union all select 'constraint ' || conname || pg_get_constraintdef(oid) from pg_constraint where conrelid = 'answer'::regclass and contype <> 'n'
  union all select 'policy ' || p.policyname || p.permissive || p.roles::text || p.cmd || coalesce(p.qual, '') || coalesce(p.with_check, '') from pg_policies p where tablename = 'answer'
  union all select 'trigger ' || pg_get_triggerdef(oid) || tgenabled::text from pg_trigger where tgrelid = 'answer'::regclass and not tgisinternal
  union all select 'published ' || p.pubname || coalesce(p.attnames::text, '') || coalesce(p.rowfilter, '') from pg_publication_tables p where tablename = 'answer'
  union all select 'statistics ' || pg_get_statisticsobjdef(oid) from pg_statistic_ext where stxrelid = 'answer'::regclass
  union all select 'view ' || oid::regclass || coalesce(reloptions::text, '') || coalesce(relacl::text, '') || coalesce(obj_description(oid), '') || pg_get_viewdef(oid) from pg_class where relkind = 'v' and relnamespace = 'public'::regnamespace
  union all select 'function ' || pg_get_functiondef(oid) from pg_proc where pronamespace = 'public'::regnamespace
  order by 1`

const GIVEN = `
  create role shadow_reader; create role shadow_grantor;
  alter table answer set (autovacuum_enabled = false, fillfactor = 60);
  alter table answer alter column s set statistics 321;
  create index on answer (s);
  create unique index "Odd Name; drop" on answer ((s + 1), kind) include (s) where s > -1;
  comment on index "Odd Name; drop" is 'an index''s comment';
  alter table answer add constraint positive check (s > -1), add constraint once unique (kind, s);
  alter table answer replica identity full;
  comment on table answer is 'the answer'; comment on column answer.s is 'a sum';
  grant select on answer to shadow_reader with grant option; grant select (kind) on answer to shadow_grantor; grant select on answer to public;
  alter table answer enable row level security; alter table answer force row level security;
  create policy seen on answer as permissive for select to shadow_reader, public using (s > 0);
  create policy narrowed on answer as restrictive for all to shadow_reader using (kind <> 'none') with check (s is not null);
  create function told() returns trigger language plpgsql as $$ begin return null; end $$;
  create trigger told after update of s on answer for each row when (new.s > 3) execute function told();
  create trigger silent after insert on answer for each statement execute function told();
  alter table answer disable trigger silent;
  create publication announced for table answer (kind, s) where (kind <> 'x'), table items with (publish = 'insert');
  create statistics both_of_them (dependencies) on kind, s from answer;
  create view direct with (security_barrier = true, check_option = local) as select kind as k, s from answer where s > 0;
  grant select on direct to shadow_reader; comment on view direct is 'a view';
  create view above_direct as select k from direct; create view whole as select a.kind, a.s from answer a join direct d on d.k = a.kind;
  create function biggest() returns numeric language sql stable begin atomic select max(s) from answer; end;`

const UNDONE = `drop publication announced; drop owned by shadow_reader, shadow_grantor; drop role shadow_reader, shadow_grantor`

test('everything that was given to it is there afterwards, by the same names', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  await world.run(GIVEN)
  const before = await column(FACTS)
  await alter(OTHER)
  const changed = [/^index .*answer_pkey/]
  const other = (facts: unknown[]) => facts.filter((fact) => !changed.some((one) => one.test(String(fact))))
  expect(other(await column(FACTS))).toEqual(other(before))
  // a constraint that a user made, under its own name, and the key, as if it had been created so
  expect(
    await column(`select indexrelid::regclass::text from pg_index where indrelid = 'answer'::regclass order by 1`),
  ).toEqual(['"Odd Name; drop"', 'answer_pkey', 'answer_s_idx', 'once'])
  expect(await world.rows("select * from direct where k = 'k1'")).toEqual([{ k: 'k1', s: '184' }])
  expect(await world.rows('select count(*)::int as n from above_direct')).toEqual([{ n: 4 }])
  expect(await world.rows('select biggest() as b')).toEqual([{ b: '216' }])
  await world.step(`update items set n = n + 1`, `insert into items values (200, 'y', 1)`)
  await alter(SUMS)
  expect(other(await column(FACTS))).toEqual(other(before))
  await world.step(`update items set n = n + 1`)
  await world.run(UNDONE)
})

test('what belongs to a column that goes away goes with it', async () => {
  await world.run(ITEMS)
  await world.stream('answer', OTHER)
  await world.run(`create index on answer (c); create index on answer (s, c); create index kept on answer (s);
    comment on column answer.c is 'gone'; comment on column answer.s is 'kept'; grant select (c) on answer to public;
    create statistics gone on s, c from answer`)
  await alter(SUMS)
  expect(
    await column(`select indexrelid::regclass::text from pg_index where indrelid = 'answer'::regclass order by 1`),
  ).toEqual(['answer_pkey', 'kept'])
  expect(await column(`select description from pg_description where objoid = 'answer'::regclass`)).toEqual(['kept'])
  expect(await column(`select stxname from pg_statistic_ext`)).toEqual([])
  await world.step(`update items set n = n + 1`)
})

test('a unique index that is the replica identity, and what the table owns by another role', async () => {
  await world.run(ITEMS)
  await world.stream('answer', 'select id, n from items')
  await world.run(`create role shadow_owner; grant all on schema public to shadow_owner;
    create unique index ident on answer (id); alter table answer replica identity using index ident; alter table answer owner to shadow_owner`)
  await alter('select id, n from items where n > 3')
  const own = await column(
    `select relreplident::text || pg_get_userbyid(relowner) from pg_class where oid = 'answer'::regclass`,
  )
  expect(own).toEqual(['ishadow_owner'])
  expect(
    await column(
      `select indexrelid::regclass::text from pg_index where indisreplident and indrelid = 'answer'::regclass`,
    ),
  ).toEqual(['ident'])
  await world.step(`update items set n = n - 1`)
  await world.run('alter table answer owner to current_user; drop owned by shadow_owner; drop role shadow_owner')
})

test('tablespace apart, it lies where it lay: an unlogged one stays unlogged', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  await world.run('alter table answer set unlogged')
  await alter(OTHER)
  expect(await column(`select relpersistence::text from pg_class where oid = 'answer'::regclass`)).toEqual(['u'])
  await world.step(`update items set n = n + 1`)
})

test('long names, and names of others: the key has a name that is free', async () => {
  await world.run(ITEMS)
  const long = 'a'.repeat(60)
  const answer = await world.stream(`"${long}"`, SUMS)
  await world.run(`create table ${'a'.repeat(58)}_idx (x int)`)
  for (const query of [OTHER, SUMS, OTHER]) await alterStreamTable(world.context, `"${long}"`, { query })
  expect(await column(`select count(*)::int from pg_index where indrelid = '${long}'::regclass`)).toEqual([1])
  await world.refresh(answer)
  await world.step(`update items set n = n + 1`)
})

test.each([
  ['a stream table', `select 1`, 'public.above reads s'],
  ['a view', 'create view reader as select s from answer', 'view public.reader reads s'],
  ['a view of the whole table', 'create view reader as select * from answer', 'view public.reader reads '],
  [
    'a function',
    'create function reader() returns numeric language sql begin atomic select max(s) from answer; end',
    'function reader() reads s',
  ],
  ['a policy', 'create policy reader on answer using (s > 1)', 'policy reader on table answer reads s'],
  [
    'a publication',
    "create publication reader for table answer (kind, s) with (publish = 'insert')",
    'publication of table answer in publication reader reads s',
  ],
])('refused, because it would lose a column: %s', async (what, script, detail) => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  if (what === 'a stream table') await world.stream('above', 'select max(s) as m from answer')
  await world.run(script)
  for (const query of [
    'select kind, count(*) as c from items group by kind',
    'select kind, sum(n)::text as s from items group by kind',
  ])
    await expect(alter(query)).rejects.toMatchObject({
      code: 'HAS_DEPENDENTS',
      detail: expect.stringContaining(detail),
    })
  expect(await findDefinition(world.database, 'answer')).toMatchObject({ query: SUMS })
  expect(await world.rows('select from freshet.shadow_build')).toEqual([])
  await world.step(`update items set n = n + 1`)
  await world.run('drop publication if exists reader; drop view if exists reader; drop function if exists reader()')
})

test.each([
  [
    'a materialized view',
    'create materialized view reader as select kind from answer',
    'materialized view reader depends on it',
  ],
  [
    'a foreign key',
    'create table reader (id int references answer)',
    'constraint reader_id_fkey on table reader depends on it',
  ],
  ['a column of its row type', 'create table reader (a answer)', 'table reader depends on it'],
])('refused, because the server can not take it along: %s', async (_, script, detail) => {
  await world.run(ITEMS)
  await world.stream('answer', 'select id, kind from items')
  await world.run(script)
  await expect(alter('select id, kind from items where n > 3')).rejects.toMatchObject({
    code: 'HAS_DEPENDENTS',
    detail: expect.stringContaining(detail),
  })
  await world.step('select 1')
  await world
    .run('drop materialized view if exists reader; drop table if exists reader')
    .catch(() => world.run('drop table if exists reader'))
})

test('stream tables above follow, and those above them', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const above = await world.stream('above', 'select max(s) as m from answer')
  const through = await world.stream('through', 'select m, count(*) as c from above group by m')
  await alter(OTHER)
  expect(await world.refresh(above)).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
  expect(await world.refresh(through)).toMatchObject({ action: 'differential' })
  await world.step(`update items set n = n + 1`, `delete from items where kind = 'k1'`)
  expect(await findDefinition(world.database, 'answer')).toMatchObject({ emits: true })
})
