import { connect, identifier, raw } from '@freshet/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { triggerCapture } from '@freshet/cdc'
import { createStreamTable } from '../create.ts'
import { examine } from '../doctor.ts'
import { createRefresher } from '../refresher.ts'
import { JOINED, SUMS, TABLES, createImmediateWorld, type ImmediateWorld } from './immediate-world.fixture.ts'

/** What a transaction may be, and what may happen to its sources: seen from inside it, and after it. */
let world: ImmediateWorld
beforeAll(async () => {
  world = await createImmediateWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const refresh = async (id: number, full = false) => createRefresher(world.context).refresh(id, { full })

describe('inside a transaction', () => {
  test('each statement is seen by the next', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    const client = await world.own.client()
    const differs = async () => {
      const { rows } = await client.query<Record<string, unknown>>(
        `(select * from answer except all (${JOINED})) union all ((${JOINED}) except all select * from answer)`,
      )
      return rows
    }
    await client.query('begin')
    for (const statement of [
      'insert into a values (100, 1, 1)',
      'update b set g = 2 where id = 4',
      'savepoint s',
      'delete from a where g = 0',
      'savepoint t',
      'insert into b select i, 2, 0 from generate_series(200, 210) i',
      'rollback to t',
      'update a set g = g + 1',
      'rollback to s',
      `do $$ begin begin insert into a values (300, 1, 1); insert into a values (300, 1, 1); exception when unique_violation then null; end; insert into a values (301, 2, 1); end $$`,
    ]) {
      await client.query(statement)
      expect(await differs(), statement).toEqual([])
    }
    await client.query('rollback')
    await world.compare()
  })

  test('prepared, committed and rolled back', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    const client = await world.own.client()
    for (const end of ['rollback', 'commit']) {
      await client.query(
        `begin; insert into a values (100, 1, 1); update b set g = 1 where id = 3; prepare transaction 'p_${world.own.name}'`,
      )
      await world.compare()
      await client.query(`${end} prepared 'p_${world.own.name}'`)
      await world.compare()
    }
  })

  test('many statements', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await world.stream('sums', SUMS)
    await world.step(
      `do $$ begin for i in 1 .. 400 loop insert into a values (1000 + i, i % 50, i); update a set v = v + 1 where id = 1000 + i / 2; end loop; end $$`,
    )
  })

  test('triggers and functions that write to the sources, before, between and after', async () => {
    await world.run(`${TABLES};
      create function to_b() returns trigger language plpgsql as $$ begin
        insert into b values (new.id + 5000 + coalesce(tg_argv[0], '0')::int, new.g, new.v) on conflict (id) do update set g = excluded.g; return new; end $$;
      create trigger early before insert on a for each row execute function to_b('10000');
      create trigger late after insert on a for each row execute function to_b('20000');
      create function all_to_b() returns trigger language plpgsql as $$ begin
        update b set v = v + 1 where id % 2 = 0; delete from b where id = 1; return null; end $$;
      create trigger a_first after insert on a for each statement execute function all_to_b();
      create trigger z_last after update on a for each statement execute function all_to_b();
      create function writes(n int) returns int language plpgsql as $$ begin insert into b values (n, 1, n); return n; end $$`)
    await world.stream('answer', JOINED)
    await world.stream('sums', 'select b.g, sum(a.v) as s, count(*) as n from a join b on a.id = b.v group by b.g')
    await world.step('insert into a values (20, 1, 1), (21, 2, 2)')
    await world.step('update a set g = 0 where id = 20')
    await world.step('insert into a select writes(i), 1, i from generate_series(30, 35) i')
    await world.step('delete from a; insert into a values (1, 1, 1)')
  })

  test('a key that refers to its own table, and cascades through it', async () => {
    await world.run(`create table t (id int primary key, up int references t on delete cascade);
      insert into t select i, nullif(i / 2, 0) from generate_series(1, 60) i`)
    await world.stream('depth', 'select c.id, p.id as up from t c left join t p on p.id = c.up')
    await world.stream('fans', 'select up, count(*) as n from t group by up')
    await world.step('delete from t where id = 2')
    await world.step('delete from t where id in (3, 7)')
    await world.step('delete from t')
  })

  test('a trigger on the stream table that writes to its source', async () => {
    await world.run(TABLES)
    await world.stream('sums', SUMS)
    await world.run(`create function echo() returns trigger language plpgsql as $$ begin
        insert into public.a select 900 + g, g, 1 from public.sums where g = 7 on conflict do nothing; return null; end $$;
      create trigger echo after insert on sums for each statement execute function echo()`)
    await world.step('insert into a values (50, 7, 1)')
    await world.step('truncate a')
  })

  test('COPY', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await world.step(`copy a from program 'printf "70\\t1\\t2\\n71\\t2\\t3\\n"'`)
    await world.step(`copy b from program 'printf "70\\t1\\t2\\n71\\t1\\t3\\n"'`)
    expect(await world.database.query(raw('select count(*)::int as n from answer where id = 70'))).toEqual([{ n: 6 }])
  })

  test('its own writes to the stream table are refused as before', async () => {
    await world.run(TABLES)
    await world.stream('sums', SUMS)
    const client = await world.own.client()
    await client.query('begin; insert into a values (100, 1, 1)')
    await expect(client.query('delete from sums')).rejects.toMatchObject({ code: 'FR001' })
    await client.query('rollback')
    await expect(client.query('truncate sums')).rejects.toMatchObject({ code: 'FR001' })
  })

  test('an error of the query is an error of the writer, and nothing has happened', async () => {
    await world.run(TABLES)
    await world.stream('answer', 'select g, 100 / sum(v) as share from a group by g')
    await expect(world.run('update a set v = 0')).rejects.toMatchObject({ sqlState: '22012' })
    await world.compare()
    await world.step('update a set v = 2')
  })

  test('under other settings than those of its creation', async () => {
    await world.run('create table at (id int primary key, moment timestamptz)')
    await world.stream(
      'days',
      `select moment::date as day, count(*) as n, max(moment::text) as shown from at group by 1`,
    )
    const client = await world.own.client()
    await client.query(
      `set timezone = 'Pacific/Kiritimati'; set datestyle = 'German'; set search_path = 'nowhere'; set standard_conforming_strings = off`,
    )
    await client.query(`insert into public.at values (1, '2026-01-01 23:30+00'), (2, '2026-01-02 00:30+00')`)
    expect((await client.query('show timezone')).rows).toEqual([{ TimeZone: 'Pacific/Kiritimati' }])
    await world.compare()
  })
})

describe('a source', () => {
  test('with partitions, written to by any of them', async () => {
    await world.run(`create table p (id int, k int, v int, primary key (id, k)) partition by list (k);
      create table p1 partition of p for values in (1); create table p2 partition of p for values in (2) partition by range (id);
      create table p2a partition of p2 for values from (0) to (1000)`)
    const keyed = await world.stream('keyed', 'select id, k, v from p')
    await world.stream('sums', 'select k, sum(v) as s from p group by k')
    await world.step('insert into p select i, 1 + i % 2, i from generate_series(1, 20) i')
    await world.step(
      'update p set k = 3 - k where id < 5; insert into p1 values (100, 1, 5); delete from p2a where id = 7; update p2 set v = 0',
    )
    await world.step('truncate p1')
    // a part that comes or goes brings rows that no trigger sees: the next writer finds out
    await world.run(
      'create table p3 (id int not null, k int not null, v int); insert into p3 values (1, 3, 1), (2, 3, 2); alter table p attach partition p3 for values in (3)',
    )
    await world.run('insert into p values (500, 1, 1)')
    expect(await refresh(keyed.id)).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
    for (const { id } of await world.database.query<{ id: number }>(
      raw(`select stream_table_id as id from freshet.stream_table_state`),
    ))
      await refresh(id)
    await world.compare()
    await world.step('insert into p3 values (3, 3, 3)')
    await world.run('alter table p detach partition p1; delete from p1; insert into p values (501, 2, 1)')
    const findings = await examine(world.context)
    expect(findings.filter(({ level }) => level !== 'ok').map(({ subject }) => subject)).toEqual([
      'public.keyed',
      'public.sums',
    ])
    for (const { id } of await world.database.query<{ id: number }>(
      raw(`select stream_table_id as id from freshet.stream_table_state`),
    ))
      await refresh(id)
    await world.compare()
    await world.step('insert into p select i, 2, i from generate_series(600, 610) i')
  })

  test('whose columns change: its writers go on, and a refresh says what is to be done', async () => {
    await world.run(TABLES)
    const { id } = await world.stream('sums', SUMS)
    await world.run('alter table a add column more text; alter table a alter column v type bigint')
    await world.run('insert into a values (100, 1, 1)')
    await expect(refresh(id)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' })
    await world.run('alter table a alter column v type int')
    expect(await refresh(id)).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
    await world.step('insert into a values (101, 1, 1)')
    await world.run('alter table a rename to old_a')
    await world.run('insert into old_a values (102, 1, 1)')
    expect(await refresh(id)).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
    await world.run('insert into old_a values (106, 1, 1); alter table old_a rename to a')
    expect(await refresh(id)).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
    await world.step('insert into a values (103, 1, 1)')
    await world.run('alter table a rename v to w; insert into a values (104, 1, 1); alter table a rename w to v')
    await refresh(id)
    await world.step('insert into a values (105, 1, 1)')
  })

  test('whose triggers somebody dropped or disabled', async () => {
    await world.run(TABLES)
    const { id } = await world.stream('sums', SUMS)
    const name = `freshet_immediate_${String(id).padStart(10, '0')}_insert`
    for (const breaking of [`drop trigger ${name} on a`, `alter table a disable trigger ${name}`]) {
      await world.run(breaking)
      await world.run('insert into a values (100, 1, 1)')
      expect((await examine(world.context)).find(({ subject }) => subject === 'public.sums')).toMatchObject({
        level: 'error',
      })
      expect(await refresh(id)).toMatchObject({ action: 'full', reason: 'CAPTURE_BROKEN' })
      await world.step('delete from a where id = 100')
    }
  })

  test('with types of every length, domains, arrays, composites, generated columns and odd names', async () => {
    await world.run(`create domain word as varchar(5) not null; create type pair as (a int, b text);
      create table "Odd ""t" (id int primary key, c char(4), b bit(3), v varbit(5), n numeric(6,2), w word, "select" text[], p pair, j json,
        i interval second(1), up text generated always as (upper(c::text)) stored, "__of" text)`)
    await world.stream('kept', `select id, c, b, v, n, w, "select" as chosen, p, j, i, up, "__of" as of from "Odd ""t"`)
    await world.stream(
      'grouped',
      `select c, b, w, count(*) as n, sum(n) as s, max(up) as up from "Odd ""t" group by c, b, w`,
    )
    const row = (id: number) =>
      `(${id}, 'a', b'101', b'1', ${id}.5, 'w', array['x', null], row(${id}, 'é'), '{"a": 1}', '1.55 s', default, 'of')`
    await world.step(`insert into "Odd ""t" values ${[1, 2, 3].map(row).join(', ')}`)
    await world.step(
      `update "Odd ""t" set c = 'abcd', n = 1.00, j = '{"a":1}' where id < 3; delete from "Odd ""t" where id = 3`,
    )
    await world.step(`update "Odd ""t" set p = null, w = 'other'`)
  })

  test('with a virtual generated column', async () => {
    const [server] = await world.database.query<{ version: number }>(
      raw(`select current_setting('server_version_num')::int as version`),
    )
    // older servers have the stored kind only
    const kind = (server?.version ?? 0) >= 180_000 ? 'virtual' : 'stored'
    await world.run(`create table t (id int primary key, v int, twice int generated always as (v * 2) ${kind})`)
    await world.stream('doubled', 'select id, twice from t where twice > 2')
    await world.stream('sums', 'select twice, count(*) as n from t group by twice')
    await world.step('insert into t (id, v) values (1, 1), (2, 2), (3, 3)')
    await world.step('update t set v = v + 1; delete from t where id = 3')
  })

  test.each([
    ['a deferrable key', 'create table d (id int primary key deferrable, v int)', 'select id, v from d', 'deferrable'],
    ['the clock', TABLES, 'select id from a where v < extract(epoch from now())', 'TIME_DEPENDENT'],
    ['a materialized view', `${TABLES}; create materialized view m as select * from a`, 'select id from m', ''],
    ['a sample', TABLES, 'select id from a tablesample system (50)', 'TABLE_SAMPLE'],
  ])('that does not permit it: %s', async (_name, setup, query, why) => {
    await world.run(setup)
    await expect(world.stream('answer', query)).rejects.toMatchObject({ code: 'NOT_IMMEDIATE' })
    const error = await world.stream('answer', query).catch((reason: unknown) => reason)
    expect(JSON.stringify(error)).toContain(why)
  })
})

test('owners that are no superusers, and writers without any right on Freshet’s schemas', async () => {
  const [ownerRole, writerRole] = [`${world.own.name}_owner`, `${world.own.name}_writer`]
  await world.run(`create role ${ownerRole} login password 'p'; create role ${writerRole} login password 'p';
    create schema app authorization ${ownerRole}; grant usage on schema app to ${writerRole};
    grant usage, create on schema freshet, freshet_changes to ${ownerRole};
    grant select, insert, update, delete on all tables in schema freshet to ${ownerRole};
    grant create, temporary on database ${identifier(world.own.name).text} to ${ownerRole}, ${writerRole}`)
  const url = new URL(world.own.url)
  url.username = ownerRole
  url.password = 'p'
  const owner = await connect({ url: url.toString() })
  try {
    await owner.query(raw(`create table app.t (id int primary key, g text); grant all on app.t to ${writerRole}`))
    const context = { database: owner, capture: triggerCapture() }
    const { stableName } = await createStreamTable(context, {
      name: 'app.counts',
      query: 'select g, count(*) as n, max(id) as last from app.t group by g',
      mode: 'immediate',
    })
    const writer = await world.own.client({ user: writerRole, password: 'p' })
    await writer.query(
      `create function pg_temp.count(text) returns bigint language sql as 'select 0::bigint'; create table pg_temp.t (id int, g text)`,
    )
    await writer.query(
      `insert into app.t values (1, 'x'), (2, 'y'); update app.t set g = 'x'; truncate app.t; insert into app.t values (3, 'z')`,
    )
    await world.compare()
    for (const statement of [
      `select freshet_changes.apply_${stableName}(true, 1, 1)`,
      `select from freshet_changes.pending_${stableName}_1`,
      'select from app.counts',
    ])
      await expect(writer.query(statement), statement).rejects.toMatchObject({ code: '42501' })
    await writer.end()
    await world.clear()
  } finally {
    await owner.close()
    await world.run(`drop owned by ${ownerRole}, ${writerRole} cascade; drop role ${ownerRole}, ${writerRole}`)
  }
})
