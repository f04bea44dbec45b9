import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createStreamTable } from './create.ts'
import { verifyStreamTable } from './verify.ts'
import { createWorld, type World } from './world.fixture.ts'

/** When a refresh is a full one, and why; what small and large deltas do. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int);
  insert into items select i, 'k' || i % 4, i % 10 from generate_series(1, 100) i`

describe('queries that are only computed as a whole', () => {
  test.each([
    ['TIME_DEPENDENT', `select count(*) as n, max(now() - interval '1 day') < now() as past from items`],
    ['TIME_DEPENDENT', `select id, current_user::text as who from items`],
    [
      'RECURSIVE',
      `with recursive up(id, n) as (select id, n from items where n = 1 union all select i.id, i.n from items i join up on i.id = up.id + 1 and i.n > up.n) cycle id set looped using path select id, looped from up`,
    ],
    ['TABLE_SAMPLE', 'select id from items tablesample bernoulli (100) repeatable (1)'],
    ['ONLY', 'select id from only items'],
    ['WHOLE_ROW', `select s::text as row from (select id, kind from items) s`],
  ])('%s', async (code, query) => {
    await world.run(ITEMS)
    const { effectiveMode } = (await world.stream('answer', query, { full: code })).plan
    expect(effectiveMode).toBe('full')
    await world.step(
      `insert into items values (200, 'new', 1)`,
      `update items set n = n + 1 where id < 10`,
      `delete from items where kind = 'k1'`,
    )
    await expect(world.stream('wanted', query, { mode: 'differential' })).rejects.toMatchObject({
      code: 'NOT_DIFFERENTIABLE',
      detail: `reason ${code}`,
    })
  })

  test('a materialized view: what it reads is read anew each time', async () => {
    await world.run(`${ITEMS}; create materialized view seen as select kind, count(*) as n from items group by kind`)
    const answer = await world.stream('answer', 'select sum(n) as s from seen', { full: 'UNCAPTURED_SOURCE' })
    await world.step(`delete from items where id > 50; refresh materialized view seen`)
    expect(await world.rows('select s::int from answer')).toEqual([{ s: 50 }])
    expect(await world.refresh(answer)).toMatchObject({ action: 'full', reason: 'UNCAPTURED_SOURCE', rowsInserted: 0 })
  })

  test('one table of an inheritance tree, and the whole of it', async () => {
    await world.run(
      `${ITEMS}; create table special (extra text) inherits (items); insert into special values (101, 'k1', 1, 'x')`,
    )
    await world.stream('alone', 'select id, n from only items', { full: 'ONLY' })
    await world.stream('all_of_them', 'select id, n from items')
    await world.step(
      `insert into items values (200, 'new', 1); insert into special values (201, 'new', 1, 'y')`,
      `update items set n = n + 1`,
      `delete from items where n = 2`,
    )
  })

  test('it waits for changes, and touches only what differs', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', 'select kind, n from items tablesample system (100) repeatable (1)', {
      full: 'TABLE_SAMPLE',
    })
    expect(await world.refresh(answer)).toMatchObject({ action: 'none' })
    await world.run(`update items set n = n where id = 1; update items set n = 99 where id = 1`)
    expect(await world.refresh(answer)).toMatchObject({
      action: 'full',
      reason: 'TABLE_SAMPLE',
      rowsInserted: 1,
      rowsDeleted: 1,
    })
    expect(await world.refresh(answer)).toMatchObject({ action: 'none' })
  })

  test('mode full, asked for', async () => {
    await world.run(ITEMS)
    await world.stream('answer', 'select kind, sum(n) as s from items group by kind', {
      mode: 'full',
      full: 'REQUESTED',
    })
    await world.step(`update items set n = 5`, `delete from items`)
  })
})

describe('a full refresh of a differential table', () => {
  test('on request, with or without changes', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', 'select kind, sum(n) as s from items group by kind')
    expect(await world.refresh(answer, { full: true })).toMatchObject({
      action: 'full',
      reason: 'REQUESTED',
      rowsInserted: 0,
      rowsDeleted: 0,
    })
    await world.run(`update items set n = n + 1 where kind = 'k1'`)
    expect(await world.refresh(answer, { full: true })).toMatchObject({
      action: 'full',
      rowsInserted: 1,
      rowsDeleted: 0,
    })
    expect((await world.step('select 1'))['answer']).toMatchObject({ action: 'none' })
  })

  test.each([
    ['a group', 'select kind, sum(n) as s from items group by kind'],
    ['a key', 'select id, n from items where n > 2'],
    ['a bag', 'select kind, n from items'],
    ['one row', 'select count(*) as c, max(n) as m from items'],
    ['an inner stage', 'select s, count(*) as c from (select kind, sum(n) as s from items group by kind) x group by s'],
  ])('after TRUNCATE: %s', async (_, query) => {
    await world.run(`${ITEMS}; create table other (id int)`)
    const answer = await world.stream('answer', query)
    const check = async (outcome: object) => {
      expect(await world.refresh(answer)).toMatchObject(outcome)
      await world.step('select 1')
    }
    await world.run(`truncate items`)
    await check({ action: 'full', reason: 'TRUNCATED' })
    await world.run(`insert into items values (1, 'a', 1), (2, 'a', 2); delete from items where id = 1`)
    await check({ action: 'differential' })
    await world.run(
      `insert into items values (3, 'b', 3); truncate items, other; insert into items values (4, 'c', 4), (5, 'c', 4)`,
    )
    await check({ action: 'full', reason: 'TRUNCATED' })
    await world.run(`update items set n = 7`)
    await check({ action: 'differential' })
  })

  test('the whole of a stream table, its layers above get the difference', async () => {
    await world.run(ITEMS)
    const base = await world.stream('base', 'select kind, sum(n) as s from items group by kind')
    await world.stream('above', 'select max(s) as m, count(*) as c from base')
    await world.run(
      `truncate items; insert into items select i, 'k' || i % 4, i % 10 from generate_series(1, 100) i where i <> 97`,
    )
    expect(await world.refresh(base)).toMatchObject({ action: 'full', reason: 'TRUNCATED', rowsInserted: 1 })
    expect((await world.step('select 1'))['above']).toMatchObject({ action: 'differential', changeRows: 2 })
  })
})

describe('large deltas', () => {
  test('more rows than planned for: a differential refresh still, by the other statement', async () => {
    await world.run(
      `${ITEMS}; insert into items select i, 'k' || i % 50, i from generate_series(1000, 9000) i; analyze items`,
    )
    await world.stream('answer', 'select kind, sum(n) as s, min(n) as lo from items group by kind')
    await world.stream('kept', 'select id, n from items where n > 3')
    await world.stream('bag', 'select kind, n % 3 as m from items')
    await world.stream('above', 'select max(s) as m from answer')
    const { answer: outcome } = await world.step(`update items set n = n + 1 where id % 5 = 0`)
    expect(outcome).toMatchObject({ action: 'differential' })
    expect(outcome?.changeRows).toBeGreaterThan(1000)
    await world.step(
      `update items set n = n + 1 where id < 50`,
      `delete from items where id % 6 = 0`,
      `update items set kind = 'one' where id = 1`,
    )
  })

  test('AUTO computes anew when most of the source changed; DIFFERENTIAL does not', async () => {
    await world.run(
      `${ITEMS}; insert into items select i, 'k' || i % 50, i from generate_series(1000, 3000) i; analyze items`,
    )
    const auto = await createStreamTable(world.context, {
      name: 'auto',
      query: 'select kind, sum(n) as s from items group by kind',
    })
    const always = await createStreamTable(world.context, {
      name: 'always',
      query: 'select kind, max(n) as m from items group by kind',
      mode: 'differential',
    })
    await world.run(`update items set n = n + 1`)
    expect(await world.refresh(auto)).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(await world.refresh(always)).toMatchObject({ action: 'differential', changeRows: 4202 })
    for (const name of ['auto', 'always'])
      expect(await verifyStreamTable(world.context, name)).toMatchObject({ equal: true, rows: 50 })
  })
})
