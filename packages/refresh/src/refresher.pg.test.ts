import { connect, raw } from '@freshet/core'
import { countingLink } from '@freshet/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { alterStreamTable, pauseStreamTable, resumeStreamTable } from './alter.ts'
import { findDefinition } from './definition.ts'
import { differentialStatement } from './differential.ts'
import { dropStreamTable } from './drop.ts'
import { explained } from './explained.fixture.ts'
import { createRefresher } from './refresher.ts'
import { historyOf } from './status.ts'
import { createWorld, type World } from './world.fixture.ts'

/** Refreshers beside each other, and what each leaves in the catalog. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i`
const SUMS = 'select kind, sum(n) as s from items group by kind'

async function state(id: number) {
  const [row] = await world.rows(
    `select version::float8, status, frontier, reinitialize, consecutive_errors from freshet.stream_table_state where stream_table_id = ${id}`,
  )
  return row
}

describe('two refreshers at once', () => {
  test.each([
    ['differential', SUMS, {}],
    ['full', 'select kind, n from items tablesample system (100) repeatable (1)', { full: 'TABLE_SAMPLE' }],
  ])('the second one of a %s refresh is told that the table is busy', async (action, query, options) => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', query, options)
    const other = await world.own.client()
    await other.query(`begin; select from freshet.stream_table_state for update`)
    await world.run(`insert into items values (100, 'x', 1)`)
    expect(await world.refresh(answer)).toMatchObject({ action: 'busy', rowsInserted: 0 })
    await other.query('rollback')
    expect(await world.refresh(answer)).toMatchObject({ action })
  })

  test('many at once: every change is applied once', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const refreshers = Array.from({ length: 4 }, () => createRefresher(world.context))
    let applied = 0
    for (let round = 0; round < 8; round++) {
      await world.run(`insert into items values (${100 + round}, 'k1', 1)`)
      const outcomes = await Promise.all(refreshers.map((refresher) => refresher.refresh(answer.id)))
      for (const outcome of outcomes) expect(['none', 'busy', 'differential']).toContain(outcome.action)
      applied += outcomes.filter(({ action }) => action === 'differential').length
    }
    expect(applied).toBe(8)
    await world.step('select 1')
    expect(await world.rows('select count(*)::int as n from freshet.refresh_history')).toEqual([{ n: 9 }])
  })
})

describe('a statement for the sources that changed last', () => {
  const SHOP = `create table customers (id int primary key, region text);
    create table orders (id int primary key, customer_id int, amount numeric);
    create table rates (region text primary key, rate numeric);
    insert into customers select i, 'r' || i % 3 from generate_series(1, 9) i;
    insert into orders select i, 1 + i % 9, i from generate_series(1, 40) i;
    insert into rates select 'r' || i, i from generate_series(0, 2) i`
  const TOTALS = `select c.region, r.rate, sum(o.amount) as total, count(*) as n
    from orders o join customers c on c.id = o.customer_id left join rates r on r.region = c.region group by 1, 2`
  const ORDER = `insert into orders select max(id) + 1, 1 + max(id) % 9, 1 from orders`
  const CUSTOMER = `update customers set region = case region when 'r1' then 'r2' else 'r1' end where id = 1 + (select count(*) from orders) % 9`
  const RATE = `update rates set rate = rate + 1 where region = 'r1'`

  test.each([
    ['in turns', [ORDER, CUSTOMER, RATE, ORDER, RATE, CUSTOMER]],
    ['together', [`${ORDER};${CUSTOMER}`, `${ORDER};${CUSTOMER};${RATE}`, `${CUSTOMER};${RATE}`, `${ORDER};${RATE}`]],
    ['a source joins the one that is expected', [ORDER, `${ORDER};${RATE}`, ORDER, `delete from rates`, ORDER]],
  ])('sources change %s', async (_, steps) => {
    await world.run(SHOP)
    await world.stream('totals', TOTALS)
    for (const step of steps) {
      expect(await world.step(step)).toMatchObject({ totals: { action: 'differential' } })
      expect(await world.step('select 1')).toMatchObject({ totals: { action: 'none' } })
    }
  })

  test('a truncate of a source that the statement does not read is seen', async () => {
    await world.run(SHOP)
    const totals = await world.stream('totals', TOTALS)
    await world.step(ORDER)
    await world.run('truncate rates')
    expect(await world.refresh(totals)).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
    expect(await world.step(`${ORDER}; insert into rates values ('r1', 7)`)).toMatchObject({
      totals: { action: 'differential' },
    })
  })
})

test('many changes of one source: of the other it is looked up what a few rows need, until they are many too', async () => {
  await world.run(`create table kinds (kind text primary key, label text);
    create table items (id int primary key, kind text, n int);
    insert into kinds select 'k' || i, 'l' || i % 9 from generate_series(0, 4999) i;
    insert into items select i, 'k' || i % 5000, i from generate_series(1, 60000) i;
    create index on items (kind); analyze kinds, items`)
  const answer = await world.stream('answer', 'select label, sum(n) as s from items join kinds using (kind) group by 1')
  const [items, kinds] = ['items', 'kinds'].map((table) => answer.plan.sources.find((source) => source.table === table))
  const changed = new Set([items?.stableName ?? '', kinds?.stableName ?? ''])
  const client = await world.own.client()
  const byIndex = async (few: readonly string[]) => {
    const variant = { changed, extent: 'many', few: new Set(few) } as const
    const statement = await differentialStatement(answer, variant, {})
    return JSON.stringify(await explained(client, statement)).includes('items_kind_idx')
  }
  // the log has seen thousands of each, and that is what the planner goes by
  await world.step(`update kinds set label = label || '' where true; update items set n = n + 1 where id <= 3000`)
  await world.run(`vacuum (analyze) freshet_changes.log_${kinds?.stableName}`)
  expect([await byIndex([]), await byIndex([kinds?.stableName ?? ''])]).toEqual([false, true])

  const many = 'update items set n = n + 1 where id <= 3000'
  for (const label of ['few', 'fewer']) {
    const { answer: outcome } = await world.step(
      `${many}; update kinds set label = '${label}' where kind in ('k1', 'k2')`,
    )
    expect(outcome).toMatchObject({ action: 'differential', changeRows: 6_004 })
  }
  const { answer: outcome } = await world.step(`${many}; update kinds set label = 'many' where kind like 'k1%'`)
  expect(outcome).toMatchObject({ action: 'differential', changeRows: 6_000 + 2 * 1_111 })
})

test('a refresh is one round trip, with changes and without; two where nothing had changed the last time', async () => {
  await world.run(ITEMS)
  const { id } = await world.stream('answer', SUMS)
  await using link = await countingLink(world.own.url)
  const database = await connect({ url: link.url, poolSize: 1 })
  const refresher = createRefresher({ ...world.context, database })
  const counted = async () => {
    const before = link.roundTrips()
    const { action } = await refresher.refresh(id)
    return [action, link.roundTrips() - before]
  }
  await world.run(`insert into items values (100, 'x', 1)`)
  await counted() // the first one loads the definition, and learns which sources change
  for (const i of [101, 103]) {
    await world.run(`insert into items values (${i}, 'x', 1)`)
    expect(await counted()).toEqual(['differential', 1])
    expect(await counted()).toEqual(['none', 1])
    expect(await counted()).toEqual(['none', 1])
    await world.run(`insert into items values (${i + 1}, 'x', 1)`)
    expect(await counted()).toEqual(['differential', 2])
  }
  await database.close()
  await world.step('select 1')
})

test('where nothing had changed the last time, it sees what others have done since', async () => {
  await world.run(`${ITEMS}; create view seen as select id, n from items`)
  const { id } = await world.stream('answer', 'select id, n from seen')
  const refresher = createRefresher(world.context)
  const idle = async () => {
    for (let i = 0; i < 2; i++) expect((await refresher.refresh(id)).action).toBe('none')
  }
  await idle()
  await world.run('update items set n = n + 1 where id = 1')
  expect(await createRefresher(world.context).refresh(id)).toMatchObject({ action: 'differential', changeRows: 2 })
  await idle()
  await world.run('create or replace view seen as select id, n + 1 as n from items')
  expect(await refresher.refresh(id)).not.toMatchObject({ action: 'none' })
  await idle()
  await world.run('truncate items')
  expect(await refresher.refresh(id)).toMatchObject({ action: 'full', reason: 'TRUNCATED' })
  await idle()
  await world.step('select 1')
})

test('what a slower reader has yet to see is not read again and again', async () => {
  await world.run(ITEMS)
  const answer = await world.stream('answer', SUMS)
  await world.stream('slower', 'select n from items')
  await world.run(
    'do $$ begin for i in 1 .. 20000 loop update items set n = n + 1 where id = 1 + i % 40; end loop; end $$',
  )
  await world.refresh(answer)
  const [source] = answer.plan.sources
  await world.run(`vacuum (analyze) freshet_changes.log_${source?.stableName}`)
  const client = await world.own.client()
  for (const changed of [new Set<string>(), new Set([source?.stableName ?? ''])]) {
    const statement = await differentialStatement(answer, { changed, extent: 'few' }, {})
    const plan = JSON.stringify(await explained(client, statement))
    expect(plan).toMatch(new RegExp(`Index (Only )?Scan using log_${source?.stableName}`))
    expect(plan).not.toContain(`Seq Scan on log_${source?.stableName}`)
  }
})

test.each([
  ['4MB', '64MB'],
  ['128MB', '128MB'],
])('many changes have enough memory: where the server gives %s, %s', async (given, expected) => {
  await world.run(`${ITEMS}; create function memory(int) returns text immutable language plpgsql
    as $$ begin return current_setting('work_mem'); end $$`)
  const { id } = await world.stream('answer', `select id, memory(id) as memory from items`)
  const own = await connect({ url: world.own.url, poolSize: 1 })
  await own.query(raw(`set work_mem = '${given}'`))
  await world.run('insert into items select generate_series(1000, 3000)')
  expect(await createRefresher({ ...world.context, database: own }).refresh(id)).toMatchObject({
    action: 'differential',
  })
  expect(await world.rows('select distinct memory from answer where id > 1000')).toEqual([{ memory: expected }])
  await own.close()
})

describe('the fence', () => {
  test('a process that remembers an old version does nothing by it', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const [early, late] = [createRefresher(world.context), createRefresher(world.context)]
    for (const refresher of [early, late]) expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'none' })
    await world.run(`update items set n = n + 1 where id < 5`)
    expect(await early.refresh(answer.id)).toMatchObject({ action: 'differential', changeRows: 8 })
    expect(await late.refresh(answer.id)).toMatchObject({ action: 'none' })
    await world.run(`update items set n = n + 1 where id < 3`)
    expect(await late.refresh(answer.id)).toMatchObject({ action: 'differential', changeRows: 4 })
    await world.step('select 1')
  })

  test('a query that was changed elsewhere is refreshed as it is now', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const stale = createRefresher(world.context)
    await world.run(`update items set n = n + 1 where id = 1`)
    await stale.refresh(answer.id)
    await alterStreamTable(world.context, 'answer', { query: 'select id, n from items where n > 10' })
    await world.run(`update items set n = n + 10 where id < 5`)
    expect(await stale.refresh(answer.id)).toMatchObject({ action: 'differential' })
    expect(await world.step('select 1')).toMatchObject({ answer: { action: 'none' } })
  })

  test('a table that began to emit is refreshed with its output delta by a process that did not know', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const stale = createRefresher(world.context)
    await stale.refresh(answer.id)
    await world.stream('above', 'select max(s) as m from answer')
    await world.run(`update items set n = n + 100 where id = 1`)
    expect(await stale.refresh(answer.id)).toMatchObject({ action: 'differential' })
    expect((await world.step('select 1'))['above']).toMatchObject({ action: 'differential', changeRows: 2 })
  })

  test('a table that was dropped is unknown', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const stale = createRefresher(world.context)
    await stale.refresh(answer.id)
    await dropStreamTable(world.context, 'answer')
    await expect(stale.refresh(answer.id)).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
    await expect(stale.refresh(answer.id)).rejects.toMatchObject({ code: 'UNKNOWN_STREAM_TABLE' })
  })
})

describe('what a refresh records', () => {
  test('nothing when no change was pending', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const before = await state(answer.id)
    for (const options of [{}, { initiatedBy: 'scheduler' }])
      expect(await world.refresh(answer, options)).toMatchObject({ action: 'none' })
    expect(await state(answer.id)).toEqual(before)
    expect(await historyOf(world.database, answer, 10)).toMatchObject([
      { action: 'initial', initiatedBy: 'create', rowsInserted: 4 },
    ])
  })

  test('history, version and frontier', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    const before = await state(answer.id)
    await world.run(`update items set n = 0 where id in (1, 2); delete from items where kind = 'k3'`)
    await world.refresh(answer, { initiatedBy: 'scheduler' })
    await world.run(`update items set n = 1 where id = 1`)
    await world.refresh(answer, { full: true })
    expect(await historyOf(world.database, answer, 10)).toMatchObject([
      { action: 'full', reason: 'REQUESTED', initiatedBy: 'manual', rowsInserted: 1, rowsDeleted: 0, error: null },
      {
        action: 'differential',
        reason: null,
        initiatedBy: 'scheduler',
        changeRows: 14,
        rowsInserted: 2,
        rowsDeleted: 1,
        error: null,
      },
      { action: 'initial', name: 'public.answer' },
    ])
    const after = await state(answer.id)
    expect(Number(after?.['version'])).toBeGreaterThan(Number(before?.['version']) + 2)
    expect(after?.['frontier']).not.toEqual(before?.['frontier'])
  })

  test('the applied delta and the frontier commit together, or not at all', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', 'select id, 100 / n as share from items')
    await world.run(`insert into items values (200, 'x', 5); update items set n = 0 where id = 1`)
    const before = await state(answer.id)
    await expect(world.refresh(answer)).rejects.toMatchObject({ sqlState: '22012' })
    expect(await state(answer.id)).toEqual(before)
    expect(await world.rows('select from answer where id = 200')).toEqual([])
  })

  test('a value that came and went, and that the query can not bear, is no hindrance', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', 'select id, 100 / n as share from items')
    await world.run(`update items set n = 0 where id = 1; insert into items values (200, 'x', 5)`)
    await world.run(`update items set n = 1 where id = 1`)
    expect(await world.refresh(answer)).toMatchObject({ action: 'full', reason: 'DELTA_FAILED', rowsInserted: 1 })
    await world.step(`insert into items values (201, 'x', 5)`)
  })
})

describe('pause and resume', () => {
  test('changes of the meantime are not lost', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    await pauseStreamTable(world.context, 'answer')
    expect(await state(answer.id)).toMatchObject({ status: 'paused' })
    await world.run(`update items set n = n + 1; delete from items where id < 5`)
    await resumeStreamTable(world.context, 'answer')
    expect((await world.step(`insert into items values (300, 'late', 1)`))['answer']).toMatchObject({
      action: 'differential',
    })
    expect((await findDefinition(world.database, 'answer')).status).toBe('active')
  })

  test('resuming forgets the errors that led to a suspension', async () => {
    await world.run(ITEMS)
    const answer = await world.stream('answer', SUMS)
    await world.run(
      `update freshet.stream_table_state set status = 'suspended', consecutive_errors = 7, last_error = '{}', retry_at = now() + interval '1 hour'`,
    )
    await resumeStreamTable(world.context, 'answer')
    expect(
      await world.rows(
        'select status, consecutive_errors as errors, last_error, retry_at from freshet.stream_table_state',
      ),
    ).toEqual([{ status: 'active', errors: 0, last_error: null, retry_at: null }])
    expect((await state(answer.id))?.['status']).toBe('active')
  })
})
