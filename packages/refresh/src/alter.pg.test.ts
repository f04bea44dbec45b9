import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { alterStreamTable } from './alter.ts'
import { findDefinition } from './definition.ts'
import { dropStreamTable } from './drop.ts'
import { createWorld, leftBehind, type World } from './world.fixture.ts'

/** Altering and dropping, with writers and dependants around. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i;
  create table others (id int primary key, v int); insert into others values (1, 1), (2, 2)`
const SUMS = 'select kind, sum(n) as s from items group by kind'
const alter = (change: Parameters<typeof alterStreamTable>[2], name = 'answer') =>
  alterStreamTable(world.context, name, change)
const captured = () =>
  world.rows(
    `select s.table_name as t, (select string_agg(c ->> 'name', ',') from jsonb_array_elements(captured_columns) c) as columns from freshet.source s order by 1`,
  )

describe('alter', () => {
  test('the schedule', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    expect(await alter({ schedule: '5s' })).toMatchObject({ schedule: '5s' })
    await expect(alter({ schedule: 'soon' })).rejects.toMatchObject({ code: 'INVALID_SCHEDULE' })
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ schedule: '5s' })
    await world.step(`insert into items values (100, 'x', 1)`)
  })

  test('the mode, there and back, without losing what was pending', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    await world.run(`update items set n = 0 where id = 1`)
    expect(await alter({ mode: 'full' })).toMatchObject({ mode: 'full' })
    expect(await world.refresh(answer)).toMatchObject({ action: 'full', reason: 'REQUESTED', rowsInserted: 1 })
    await world.run(`update items set n = 0 where id = 2`)
    expect(await alter({ mode: 'differential' })).toMatchObject({ mode: 'differential' })
    expect(await world.refresh(answer)).toMatchObject({ action: 'differential', changeRows: 2 })
    await world.step('select 1')
  })

  test('the mode, to one that the query does not have', async () => {
    await world.run(ITEMS)
    await world.stream('answer', 'select kind, n from items tablesample system (100) repeatable (1)', {
      full: 'TABLE_SAMPLE',
    })
    await expect(alter({ mode: 'differential' })).rejects.toMatchObject({ code: 'NOT_DIFFERENTIABLE' })
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ mode: 'auto' })
  })

  test.each([
    ['other rows', 'select kind, sum(n) as s from items where n > 5 group by kind'],
    ['other columns, another key', 'select id, n from items'],
    ['no key', 'select kind from items'],
    ['another source', 'select o.id, o.v from others o'],
    ['one source more', 'select i.id, o.v from items i join others o on o.id = i.n'],
    ['inner stages', 'select s, count(*) as c from (select kind, sum(n) as s from items group by kind) x group by s'],
    ['one row', 'select max(n) as m from items'],
  ])('the query: %s', async (_, query) => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.step(`insert into items values (100, 'x', 1)`)
    await world.run(`update items set n = 99 where id = 3`)
    await alter({ query })
    await world.step(
      'select 1',
      `update items set n = n + 1; update others set v = v + 1`,
      `delete from items where id > 30; delete from others where id = 1`,
    )
    await alter({ query: SUMS })
    await world.step(`update items set n = n + 1`, `insert into items values (200, 'x', 1)`)
    expect(await captured()).toEqual([{ t: 'items', columns: expect.stringContaining('kind') }])
  })

  test('a plan does not depend on the order in which the server finds what is read', async () => {
    const names = Array.from({ length: 12 }, (_, i) => `read_${(i * 5) % 12}`)
    await world.run(names.map((name) => `create table ${name} (id int primary key, v int)`).join(';'))
    const query = `select read_0.v from ${names[0]} ${names
      .slice(1)
      .map((name) => `join ${name} using (id)`)
      .join(' ')}`
    await world.stream('answer', query)
    const { plan } = await findDefinition(world.database, 'answer')
    const read = plan.refresh?.relations.map(({ table }) => table) ?? []
    expect(read).toEqual([...names].sort())
    await world.step('select 1')
  })

  test('the query, to one that fails: everything stays as it was', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    const before = await captured()
    for (const query of [
      'select nothing from items',
      'select id, 1 / (v - 1) as x from others',
      'select 1 as __x',
      'delete from items',
    ]) {
      await expect(alter({ query })).rejects.toMatchObject({ code: expect.any(String) })
    }
    expect(await captured()).toEqual(before)
    await world.step(`update items set n = n + 1`)
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ query: SUMS })
  })

  test('the query, of a table that others read, or to one that reads itself', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await expect(alter({ query: 'select s from answer' })).rejects.toMatchObject({ code: 'CYCLE' })
    await world.stream('above', 'select max(s) as m from answer')
    await expect(alter({ query: 'select id from items' })).rejects.toMatchObject({
      code: 'HAS_DEPENDENTS',
      detail: 'public.above reads s',
    })
    await expect(alter({ rename: 'other' })).rejects.toMatchObject({ code: 'HAS_DEPENDENTS' })
    await world.step(`update items set n = n + 1`)
  })

  test('the name, by hand: found by the new one at once, by the old one until a refresh has noticed', async () => {
    await world.run(ITEMS)
    const { id } = await world.stream('answer', SUMS)
    await world.run(
      'create schema elsewhere; alter table answer rename to "By Hand"; alter table "By Hand" set schema elsewhere',
    )
    expect(await findDefinition(world.database, 'elsewhere."By Hand"')).toMatchObject({ id })
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ id })
    await world.run(`update items set n = n + 1 where id < 9`)
    await world.refresh(await findDefinition(world.database, 'elsewhere."By Hand"'))
    expect(await findDefinition(world.database, '"By Hand"')).toMatchObject({ id, schema: 'elsewhere' })
    await expect(findDefinition(world.database, 'answer')).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  })

  test('the name: to a new one, to a taken one, and the old name is free', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    expect(await alter({ rename: '"The Answer"' })).toMatchObject({ table: 'The Answer' })
    await world.run(`update items set n = n + 1 where id < 9`)
    const renamed = await findDefinition(world.database, '"The Answer"')
    expect(await world.refresh(renamed)).toMatchObject({ action: 'differential' })
    await expect(findDefinition(world.database, 'answer')).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
    await expect(alter({ rename: 'items' }, '"The Answer"')).rejects.toMatchObject({ code: 'DUPLICATE_NAME' })
    await expect(alter({ rename: 'elsewhere.x' }, '"The Answer"')).rejects.toMatchObject({ code: 'USAGE' })
    expect(
      await world.rows(
        `(select kind, s from "The Answer" except all ${SUMS}) union all (${SUMS} except all select kind, s from "The Answer")`,
      ),
    ).toEqual([])
  })

  test('the query and the name at once', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    const query = 'select id, n from items where n > 5'
    expect(await alter({ query, rename: 'rows' })).toMatchObject({ table: 'rows', query })
    await world.run(`update items set n = n + 1 where id < 9`)
    expect(await world.refresh(await findDefinition(world.database, 'rows'))).toMatchObject({ action: 'differential' })
    expect(
      await world.rows(
        `(select id, n from rows except all ${query}) union all (${query} except all select id, n from rows)`,
      ),
    ).toEqual([])
  })

  test('unknown tables', async () => {
    await expect(alter({ mode: 'full' }, 'nobody')).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
    await expect(dropStreamTable(world.context, 'nobody')).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  })
})

describe('drop', () => {
  test('the last reader takes the capture with it, not before', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.stream('second', 'select id from items')
    await dropStreamTable(world.context, 'answer')
    expect(await captured()).toHaveLength(1)
    await dropStreamTable(world.context, 'second')
    expect(await leftBehind(world.database)).toEqual([])
    await world.run(`insert into items values (500, 'free', 1)`)
  })

  test('not while others read it; with cascade they go too, in order', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.stream('above', 'select max(s) as m from answer')
    await world.stream('top', 'select m, count(*) as c from above group by m')
    await expect(dropStreamTable(world.context, 'answer')).rejects.toMatchObject({
      code: 'HAS_DEPENDENTS',
      detail: 'public.above',
    })
    await world.step(`update items set n = n + 1`)
    expect(await dropStreamTable(world.context, 'answer', { cascade: true })).toEqual([
      'public.top',
      'public.above',
      'public.answer',
    ])
    expect(await leftBehind(world.database)).toEqual([])
  })

  test('a diamond, with cascade: each once', async () => {
    await world.run(ITEMS)
    await world.stream('base', 'select id, kind, n from items')
    await world.stream('l', 'select kind, sum(n) as s from base group by kind')
    await world.stream('r', 'select kind, max(n) as m from base group by kind')
    await world.stream('top', 'select l.kind, s, m from l join r on l.kind = r.kind')
    expect(await dropStreamTable(world.context, 'base', { cascade: true })).toEqual([
      'public.top',
      'public.l',
      'public.r',
      'public.base',
    ])
    expect(await leftBehind(world.database)).toEqual([])
  })

  test('the upper one alone: the lower one stops to emit', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.stream('above', 'select max(s) as m from answer')
    await dropStreamTable(world.context, 'above')
    expect(await findDefinition(world.database, 'answer')).toMatchObject({ emits: false })
    expect(await world.rows(`select table_name from freshet.source`)).toEqual([{ table_name: 'items' }])
    await dropStreamTable(world.context, 'answer')
  })

  test('when its table, or its source, is gone already', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.stream('second', 'select id from others')
    await world.run('drop table answer; drop table others cascade')
    await dropStreamTable(world.context, 'answer')
    await dropStreamTable(world.context, 'second')
    expect(await leftBehind(world.database)).toEqual([])
  })

  test('a view of a user stands in the way, and nothing is half dropped', async () => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.run('create view own as select * from answer')
    await expect(dropStreamTable(world.context, 'answer')).rejects.toMatchObject({ sqlState: '2BP01' })
    await world.step(`update items set n = n + 1`)
    await dropStreamTable(world.context, 'answer', { cascade: true })
  })
})
