import { connect, type Freshet } from '@freshet/client'
import { raw, writeSetting } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

/** Changes of sources seen when they are made; and refused, where the setting says so, with the stream table's name. */
const QUERY = 'select region, sum(rate(amount)) as total from sales group by region'

let own: TestDatabase
let freshet: Freshet

beforeEach(async () => {
  own = await createTestDatabase()
  freshet = await connect(own.url)
  await run(`
    create table sales (id int primary key, region int not null, amount int not null, note text);
    create table part (id int, kind int) partition by list (kind);
    create function rate(n int) returns int language sql immutable as 'select $1';
    insert into sales select i, i % 3, i, 'n' from generate_series(1, 30) i`)
  await freshet.init({ eventTriggers: true })
  await freshet.create({ name: 'totals', query: QUERY })
  await freshet.create({ name: 'above', query: 'select count(*) as n, sum(total) as total from totals' })
  await freshet.create({ name: 'parts', query: 'select kind, count(*) as n from part group by kind' })
})

afterEach(async () => {
  await freshet.close()
  await own.drop()
})

const run = async (script: string) => void (await own.database.query(raw(script)))
const marked = async () =>
  (
    await own.database.query<{ name: string }>(
      raw(`select t.table_name as name from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
        where s.reinitialize = 'SOURCE_CHANGED' order by 1`),
    )
  ).map(({ name }) => name)

describe('marked when it is made', () => {
  test.each([
    [
      'a function is replaced',
      `create or replace function rate(n int) returns int language sql immutable as 'select $1 * 2'`,
      ['totals'],
    ],
    ['a column is renamed', 'alter table sales rename column amount to cents', ['totals']],
    ['a table is renamed', 'alter table sales rename to sale', ['totals']],
    ['a column is dropped', 'alter table sales drop column amount', ['totals']],
    ['a stream table is moved', 'create schema other; alter table totals set schema other', ['above', 'totals']],
    ['a partition is added', 'create table part_1 partition of part for values in (1)', ['parts']],
    [
      'what nobody reads',
      'alter table sales add column more int, drop column note; create table sales_2 (like sales)',
      [],
    ],
    ['what is temporary', 'create temporary table sales (id int); alter table pg_temp.sales add column amount int', []],
  ])('%s', async (_name, ddl, expected) => {
    await run(ddl)
    expect(await marked()).toEqual(expected)
  })

  test('nobody waits for a refresh that runs, and it is found out all the same', async () => {
    const refresher = await own.client()
    await refresher.query('begin; select from freshet.stream_table_state for update')
    await run(
      `set lock_timeout = '2s'; create or replace function rate(n int) returns int language sql immutable as 'select $1 * 7'`,
    )
    expect(await marked()).toEqual([])
    await refresher.query('rollback')
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
    await assertEqualToQuery(own.database, 'totals', QUERY)
  })

  test('a transaction with an older snapshot goes on', async () => {
    const user = await own.client()
    await user.query('begin isolation level repeatable read; select 1')
    await freshet.refresh('totals', { full: true })
    await user.query(`create or replace function rate(n int) returns int language sql immutable as 'select $1 * 3'`)
    await user.query('commit')
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
    await assertEqualToQuery(own.database, 'totals', QUERY)
  })
})

describe('refused', () => {
  beforeEach(() => writeSetting(own.database, 'refuse_source_ddl', true))

  test.each([
    ['alter table sales drop column amount', /public\.totals needs the table column public\.sales\.amount/],
    ['alter table sales drop column amount cascade', /public\.totals needs the table column public\.sales\.amount/],
    [
      'alter table sales alter column amount type text',
      /public\.totals needs the column amount of public\.sales, and it is now text/,
    ],
    ['drop table sales', /public\.totals needs the table public\.sales/],
    ['drop table totals', /public\.above needs the table public\.totals/],
    ['drop function rate', /public\.totals needs the function public\.rate/],
  ])('%s', async (ddl, message) => {
    await expect(run(ddl)).rejects.toMatchObject({
      code: 'SOURCE_NEEDED',
      sqlState: 'FR004',
      message: expect.stringMatching(message) as string,
      hint: expect.stringMatching(/freshet alter public\.\w+ .* set freshet\.source_ddl = allow/) as string,
    })
    await run(`insert into sales values (100, 1, 100, '')`)
    expect(await freshet.refresh('totals')).toMatchObject({ action: 'differential' })
    await assertEqualToQuery(own.database, 'totals', QUERY)
    await run(`begin; set local freshet.source_ddl = allow; ${ddl}; rollback`)
  })

  test.each([
    'alter table sales rename column amount to cents',
    'alter table sales drop column note',
    'alter table sales alter column note type varchar(9)',
    `create or replace function rate(n int) returns int language sql immutable as 'select $1 * 2'`,
  ])('not: %s', (ddl) => run(ddl))

  test('Freshet’s own statements are not', async () => {
    await freshet.alter('above', { query: 'select count(*) as regions from totals' })
    await freshet.refresh('above', { full: true })
    await freshet.drop('totals', { cascade: true })
    expect((await freshet.list()).map(({ name }) => name)).toEqual(['public.parts'])
  })
})

test('they go as they came, and a role without the right is told so', async () => {
  const triggers = () => own.database.query(raw(`select from pg_event_trigger where evtname ~ '^freshet_'`))
  expect(await triggers()).toHaveLength(2)
  await freshet.init()
  expect(await triggers()).toHaveLength(2)
  await freshet.init({ eventTriggers: false })
  expect(await triggers()).toEqual([])
  await writeSetting(own.database, 'refuse_source_ddl', true)
  expect(await freshet.doctor()).toContainEqual(
    expect.objectContaining({
      subject: 'refuse_source_ddl',
      level: 'warning',
      hint: expect.stringContaining('--event-triggers') as string,
    }),
  )
  await own.database.session(async (session) => {
    await session.query(raw('set role pg_monitor'))
    try {
      await expect(
        session.query(raw('create event trigger x on sql_drop execute function freshet.note_drop()')),
      ).rejects.toMatchObject({
        code: 'INSUFFICIENT_PRIVILEGE',
      })
    } finally {
      await session.query(raw('reset role'))
    }
  })
})
