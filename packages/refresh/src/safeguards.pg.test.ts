import { raw } from '@freshet/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { pauseStreamTable } from './alter.ts'
import { examine } from './doctor.ts'
import { explain } from './explain.ts'
import { describeStreamTables, statusOf } from './status.ts'
import { verifyStreamTable } from './verify.ts'
import { createWorld, type World } from './world.fixture.ts'

/** What keeps a stream table right, and what tells when it is not: the guard, verify, doctor, status, explain. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i`
const SUMS = 'select kind, sum(n) as s from items group by kind'
const tamper = (statement: string) => world.run(`begin; set local freshet.apply = on; ${statement}; commit`)

describe('the guard', () => {
  test.each([
    `insert into answer select * from answer limit 0`,
    `update answer set s = 0`,
    `delete from answer where kind = 'k1'`,
    `truncate answer`,
    `with x as (delete from answer returning 1) select count(*) from x`,
    `merge into answer using (values ('k1')) v(k) on v.k = kind when matched then delete`,
  ])('refuses: %s', async (statement) => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await expect(world.run(statement)).rejects.toMatchObject({
      code: 'STREAM_TABLE_WRITE',
      hint: expect.stringContaining('freshet.apply'),
    })
    await world.step(`update items set n = 0 where id = 1`)
  })

  test('the override lets a session write, and only that session', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    const [own, other] = [await world.own.client(), await world.own.client()]
    await own.query(`set freshet.apply = on`)
    await own.query(`delete from answer where kind = 'k1'`)
    await expect(other.query(`delete from answer`)).rejects.toMatchObject({ code: 'FR001' })
    await own.query(`truncate answer`)
    await own.query(`reset freshet.apply`)
    await expect(own.query(`delete from answer`)).rejects.toMatchObject({ code: 'FR001' })
  })

  test('a refresh announces itself for its own transaction only', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    for (const options of [{}, { full: true }]) {
      await world.run(`update items set n = n + 1`)
      await world.refresh(answer, options)
      for (let i = 0; i < 12; i++)
        await expect(world.run('delete from answer')).rejects.toMatchObject({ code: 'STREAM_TABLE_WRITE' })
    }
  })
})

describe('verify', () => {
  test.each([
    ['a group', SUMS, `update answer set s = s + 1 where kind = 'k1'`, 1, 1],
    ['a row too few', 'select id, n from items', `delete from answer where id = 3`, 0, 1],
    ['a row too many', 'select id, n from items', `insert into answer values (999, 1)`, 1, 0],
    [
      'a duplicate in a bag',
      'select kind from items',
      `delete from answer where kind = 'k2' and ctid in (select min(ctid) from answer where kind = 'k2')`,
      0,
      1,
    ],
    ['everything', SUMS, `truncate answer`, 0, 4],
  ])('finds tampering: %s', async (_, query, statement, extra, missing) => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', query)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({
      equal: true,
      extra: 0,
      missing: 0,
      samples: [],
    })
    await tamper(statement)
    const found = await verifyStreamTable(world.context, 'answer')
    expect(found).toMatchObject({ name: 'public.answer', equal: false, extra, missing })
    expect(found.samples).toHaveLength(Math.min(extra, 5) + Math.min(missing, 5))
    expect(await world.refresh(answer, { full: true })).toMatchObject({ action: 'full' })
    await world.step('select 1')
  })

  test('brings the table to its snapshot first: what is pending is no difference', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.stream('whole', 'select kind, n from items tablesample system (100) repeatable (1)', {
      full: 'TABLE_SAMPLE',
    })
    await world.run(
      `update items set n = n + 1; insert into items select i, 'new', 1 from generate_series(1000, 4000) i`,
    )
    for (const name of ['answer', 'whole'])
      expect(await verifyStreamTable(world.context, name)).toMatchObject({ equal: true })
    await world.run('truncate items')
    for (const name of ['answer', 'whole']) expect((await verifyStreamTable(world.context, name)).equal).toBe(true)
    await world.step('select 1')
  })

  test('a stream table over another is compared with what that one holds', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.stream('above', 'select max(s) as m from answer')
    await world.run(`update items set n = n + 1`)
    expect(await verifyStreamTable(world.context, 'above')).toMatchObject({ equal: true })
    await world.step('select 1')
  })

  test('types without equality', async () => {
    await world.run(`create type pair as (a int, j json); create table things (id int primary key, j json, p point, a point[], x xml, c pair);
      insert into things values (1, '{"a":1}', '(1,2)', '{"(1,2)"}', '<a/>', '(1,{})')`)
    await world.stream('answer', 'select * from things')
    await tamper(`update answer set j = '{"a":2}'`)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: false, extra: 1, missing: 1 })
  })

  test('types that compare but do not hash, and equal values that look different', async () => {
    await world.run(`create domain amount as numeric;
      create table things (id int primary key, b bit(3), v varbit, m money, t tsvector, n numeric, ns numeric[], d amount, r numrange, f float8, c char(5), i interval, z text);
      insert into things values (1, '101', '1', 5, 'a b', 1.0, '{1.0,null}', 1.0, '[1.0,2)', 0.0, 'x', '1 day', null), (2, null, null, null, null, null, null, null, null, null, null, null, null)`)
    await world.stream('answer', 'select * from things')
    await tamper(
      `update answer set n = 1.00, ns = '{1.00,null}', d = 1.00, r = '[1.00,2)', f = '-0', i = '24 hours' where id = 1`,
    )
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: true, rows: 2 })
    await tamper(`update answer set z = '' where id = 2`)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({
      equal: false,
      rows: 2,
      extra: 1,
      missing: 1,
    })
  })

  test('a row too many of a bag, a row less, and an empty table', async () => {
    await world.run(ITEMS)
    await world.stream('answer', 'select kind from items where n > 0')
    await tamper(`update answer set kind = 'k2' where ctid = (select ctid from answer where kind = 'k1' limit 1)`)
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ rows: 40, extra: 1, missing: 1 })
    await tamper('delete from answer')
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ rows: 0, extra: 0, missing: 40 })
    await world.run('delete from items')
    expect(await verifyStreamTable(world.context, 'answer')).toMatchObject({ equal: true, rows: 0 })
  })
})

describe('doctor', () => {
  const problems = async () =>
    (await examine(world.context))
      .filter(({ level }) => level !== 'ok')
      .map(({ level, subject, message }) => `${level} ${subject}: ${message}`)

  test('is content when all is well', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    expect(await problems()).toEqual([])
    expect((await examine(world.context)).map(({ subject }) => subject)).toEqual([
      'server',
      'schema',
      'public.items',
      'public.answer',
    ])
  })

  test('finds what is wrong', async () => {
    await world.run(`${ITEMS}; create table others (id int primary key)`)
    await world.stream('answer', SUMS)
    await world.stream('whole', 'select kind, n from items tablesample system (100) repeatable (1)', {
      full: 'TABLE_SAMPLE',
    })
    await world.stream('second', 'select id from others')
    await pauseStreamTable(world.context, 'second')
    const [trigger] = await world.rows(
      `select tgname as name from pg_trigger where tgrelid = 'items'::regclass and tgname like 'freshet_update%'`,
    )
    await world.run(
      `drop trigger ${String(trigger?.['name'])} on items; update freshet.stream_table_state set status = 'suspended', status_reason = 'ten errors' where stream_table_id = (select stream_table_id from freshet.stream_table where table_name = 'answer')`,
    )
    expect(await problems()).toEqual([
      expect.stringMatching(/^error public.items: trigger missing: /),
      'error public.answer: suspended: ten errors',
      'warning public.second: paused; its changes pile up in the buffers',
      expect.stringMatching(/^warning public.whole: refreshed in full: TABLE_SAMPLE/),
    ])
  })

  test('says that the catalog came from another cluster', async () => {
    await world.run(`update freshet.installation set system_identifier = 'another'`)
    expect(await problems()).toEqual([expect.stringMatching(/^error cluster: /)])
    await world.run(
      `update freshet.installation set system_identifier = (select system_identifier from pg_control_system())`,
    )
  })
})

test('status: what is pending, how many rows, the last hour', async () => {
  await world.run(ITEMS)
  const answer = await world.stream('answer', SUMS)
  await world.stream('above', 'select max(s) as m from answer')
  await world.run(`update items set n = n + 1 where id < 11`)
  const read = async () => statusOf(world.database)
  expect(await read()).toMatchObject([
    { name: 'public.above', pendingChanges: 0, sources: [{ name: 'public.answer', streamTable: answer.id }] },
    {
      name: 'public.answer',
      pendingChanges: 20,
      pendingIsLowerBound: false,
      estimatedRows: 4,
      storage: 'keyed',
      sources: [{ name: 'public.items', streamTable: null, capture: 'trigger' }],
      refreshes: { count: 0, p50Ms: null },
    },
  ])
  await world.step('select 1')
  expect(await read()).toMatchObject([
    { refreshes: { count: 1 } },
    { pendingChanges: 0, refreshes: { count: 1, p50Ms: expect.any(Number) } },
  ])
  expect(await describeStreamTables(world.database, answer.id)).toHaveLength(1)
})

test('explain: of a stream table and of a query; changes nothing', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const before = await world.rows('select count(*)::int as n from pg_class')
  expect(await explain(world.database, { name: 'answer' })).toMatchObject({
    name: 'public.answer',
    effectiveMode: 'differential',
    reason: null,
    storage: 'keyed',
  })
  const whole = await explain(world.database, { query: 'select now() as t' })
  expect(whole).toMatchObject({
    name: null,
    effectiveMode: 'full',
    reason: { code: 'TIME_DEPENDENT' },
    tree: { operator: 'query' },
  })
  await world.run(`create collation nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false)`)
  expect(
    await explain(world.database, {
      query: 'select (i::text collate nocase) as item, count(*) as n from items i group by 1',
    }),
  ).toMatchObject({ effectiveMode: 'full', reason: { code: 'KEY_TYPE' }, tree: { operator: 'query' } })
  await expect(explain(world.database, { query: 'select nothing from items' })).rejects.toMatchObject({
    code: 'UNKNOWN_COLUMN',
  })
  await world.database.query(raw('select 1'))
  expect(await world.rows('select count(*)::int as n from pg_class')).toEqual(before)
})
