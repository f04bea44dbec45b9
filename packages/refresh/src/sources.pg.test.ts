import { connect } from '@freshet/core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createStreamTable } from './create.ts'
import { createRefresher } from './refresher.ts'
import { verifyStreamTable } from './verify.ts'
import { createWorld, type World } from './world.fixture.ts'

/** Sources of other kinds than a plain table, and sessions with other settings. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

test('partitions: of two levels, rows that move, and a default partition', async () => {
  await world.run(`create table events (id int, day date not null, kind text, primary key (id, day, kind)) partition by range (day);
    create table events_24 partition of events for values from ('2024-01-01') to ('2025-01-01') partition by list (kind);
    create table events_24_a partition of events_24 for values in ('a'); create table events_24_rest partition of events_24 default;
    create table events_rest partition of events default;
    insert into events select i, date '2023-12-01' + i * 20, chr(97 + i % 3) from generate_series(1, 30) i`)
  await world.stream('kept', 'select id, day, kind from events')
  await world.stream('grouped', 'select kind, count(*) as n, min(day) as first from events group by kind')
  await world.stream(
    'joined',
    'select a.id, b.id as other from events a join events b on a.day < b.day and a.kind = b.kind',
  )
  await world.step(
    `insert into events values (100, '2024-05-05', 'a'), (101, '2030-01-01', 'z')`,
    `update events set kind = 'b' where id = 100`,
    `update events set day = day + 700 where id < 10`,
    `insert into events_24_a values (200, '2024-06-01', 'a'); delete from events_rest where id = 101`,
    `delete from events where kind = 'a'`,
  )
})

test('copy, merge, on conflict, cascades, and what a function writes', async () => {
  await world.run(`create table parents (id int primary key, name text); create table children (id int primary key, parent int references parents on delete cascade on update cascade);
    insert into parents values (1, 'a'), (2, 'b'); insert into children select i, 1 + i % 2 from generate_series(1, 10) i;
    create function add_child() returns trigger language plpgsql as 'begin insert into children values (new.id * 100, new.id); return null; end';
    create trigger add_child after insert on parents for each row execute function add_child()`)
  await world.stream(
    'answer',
    'select p.name, count(*) as n from parents p join children c on c.parent = p.id group by p.name',
  )
  await world.step(
    `insert into parents values (3, 'c'), (4, 'd')`,
    `delete from parents where id = 1`,
    `update parents set id = 20 where id = 2`,
    `insert into parents values (3, 'x'), (5, 'e') on conflict (id) do update set name = excluded.name`,
    `merge into parents p using (values (5, 'y'), (6, 'f')) v(id, name) on v.id = p.id when matched then update set name = v.name when not matched then insert values (v.id, v.name)`,
  )
})

test('savepoints, prepared transactions, and one that commits late', async () => {
  await world.run(`create table items (id int primary key, n int); insert into items values (1, 1)`)
  await world.stream('answer', 'select sum(n) as s, count(*) as c from items')
  const client = await world.own.client()
  await client.query(
    `begin; insert into items values (2, 2); savepoint a; insert into items values (3, 3); rollback to a; insert into items values (4, 4); release a`,
  )
  await world.step(`insert into items values (5, 5)`)
  await client.query('commit')
  await client.query(`begin; insert into items values (6, 6); prepare transaction 'later'`)
  await world.step('select 1', `insert into items values (7, 7)`)
  await client.query(`commit prepared 'later'`)
  await world.step('select 1')
  expect(await world.rows('select s::int, c::int from answer')).toEqual([{ s: 25, c: 6 }])
})

test('created in one time zone, refreshed from a session with another', async () => {
  await world.run(
    `create table events (id int primary key, at timestamptz, span interval); insert into events select i, timestamptz '2024-03-30 20:00+00' + i * interval '1 hour', i * interval '1 day' from generate_series(1, 12) i`,
  )
  const zoned = async (zone: string) => {
    const database = await connect(
      `${world.own.url}?options=${encodeURIComponent(`-c TimeZone=${zone} -c DateStyle=German -c IntervalStyle=iso_8601`)}`,
    )
    return { ...world.context, database }
  }
  const [kolkata, kiritimati] = [await zoned('Asia/Kolkata'), await zoned('Pacific/Kiritimati')]
  const query = `select at::date as day, count(*) as n, min(at::text) as first, max(span::text) as longest from events group by at::date`
  const answer = await createStreamTable(kolkata, { name: 'answer', query })
  const plain = await createStreamTable(kolkata, {
    name: 'plain',
    query: "select id, at::text as t, date_trunc('day', at) as d from events",
  })
  expect(answer.settings).toMatchObject({ TimeZone: 'Asia/Kolkata', IntervalStyle: 'iso_8601' })
  expect(answer.plan.effectiveMode).toBe('differential')
  const changes = [
    `insert into events values (100, '2024-03-31 18:30+00', '3 days'), (101, '2024-03-31 18:29+00', null)`,
    `update events set at = at + interval '11 hours' where id % 2 = 0`,
    `delete from events where id < 4`,
  ]
  for (const [i, change] of changes.entries()) {
    await world.run(change)
    for (const table of [answer, plain]) {
      const outcome = await createRefresher(i % 2 === 0 ? kiritimati : world.context).refresh(table.id)
      expect(outcome).toMatchObject({ action: 'differential' })
      for (const context of [kolkata, kiritimati, world.context])
        expect(await verifyStreamTable(context, table.table)).toMatchObject({ equal: true })
    }
    const fresh = 'select at::date as day, count(*) as n from events group by 1'
    expect(
      await kolkata.database.query({
        text: `(select day, n from answer except all ${fresh}) union all (${fresh} except all select day, n from answer)`,
        values: [],
      }),
    ).toEqual([])
  }
  await world.run(`update events set at = at + interval '1 hour'`)
  expect(await createRefresher(kiritimati).refresh(answer.id, { full: true })).toMatchObject({ action: 'full' })
  expect(await verifyStreamTable(kiritimati, 'answer')).toMatchObject({ equal: true })
  for (const context of [kolkata, kiritimati]) await context.database.close()
})

test('a search path of its own: names mean what they meant at creation', async () => {
  await world.run(
    `create schema one; create schema two; create table one.t (id int primary key); create table two.t (id int primary key); insert into one.t values (1); insert into two.t values (2)`,
  )
  const database = await connect(`${world.own.url}?options=${encodeURIComponent('-c search_path=one')}`)
  const answer = await createStreamTable({ ...world.context, database }, { name: 'answer', query: 'select id from t' })
  expect(answer).toMatchObject({ schema: 'one' })
  await world.run(`insert into one.t values (3); insert into two.t values (4)`)
  expect(await world.refresh(answer)).toMatchObject({ action: 'differential', rowsInserted: 1 })
  expect(await world.rows('select id from one.answer order by id')).toEqual([{ id: 1 }, { id: 3 }])
  await database.close()
  await world.clear()
  await world.run('drop schema one, two cascade')
})
