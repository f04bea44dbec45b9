import { connect, writeSetting } from '@freshet/core'
import { assertEqualToQuery } from '@freshet/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createStreamTable } from './create.ts'
import { loadDefinition, type Definition } from './definition.ts'
import { createRefresher } from './refresher.ts'
import { sourceTablesStatement } from './source-tables.ts'
import { recorded } from './statements.fixture.ts'
import { describeStreamTables, historyOf } from './status.ts'
import { tryInFull } from './trial.ts'
import { createWorld, type World } from './world.fixture.ts'

/**
 * AUTO at work. What it has learnt is put into the history, so that no clock decides a test; each refresh is made by a
 * process that has just begun, and knows nothing else.
 */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(async () => {
  await writeSetting(world.database, 'force_full_refresh', null)
  await world.clear()
})

const ITEMS = `create table items (id int primary key, kind text, n int);
  insert into items select i, 'k' || i % 50, i from generate_series(1, 20000) i; analyze items`
const SUMS = 'select kind, sum(n) as s, count(*) as c from items group by kind'
const MANY = 'update items set n = n + 1 where id <= 2000'
const SOME = 'update items set n = n + 1 where id <= 1000'
const FEW = 'update items set n = n + 1 where id <= 3'

async function made(mode: 'auto' | 'differential' | 'full' = 'auto', query = SUMS): Promise<Definition> {
  await world.run(ITEMS)
  return createStreamTable(world.context, { name: 'answer', query, mode })
}

/** Refreshes of the past, oldest first; the fill took as long as `full` says. */
async function remember(
  full: number,
  past: readonly { changeRows: number; ms: number; times?: number; insteadOf?: boolean }[],
) {
  await world.run(`update freshet.refresh_history set finished_at = started_at + interval '${full} ms'`)
  for (const { changeRows, ms, times = 1, insteadOf = false } of past) {
    const decision = insteadOf ? `'{"action": "full", "changeRows": ${changeRows}}'::jsonb` : 'null::jsonb'
    await world.run(`insert into freshet.refresh_history (stream_table_id, started_at, finished_at, action, initiated_by, change_rows, decision)
      select stream_table_id, now(), now() + interval '${ms} ms', '${insteadOf ? 'full' : 'differential'}', 'test', ${insteadOf ? 0 : changeRows}, ${decision}
      from freshet.stream_table cross join generate_series(1, ${times})`)
  }
}

async function refreshAnew({ id }: Definition) {
  const { database, sent } = recorded(world.database)
  const refresher = createRefresher({ ...world.context, database })
  const outcome = await refresher.refresh(id)
  await assertEqualToQuery(world.database, 'answer', (await loadDefinition(world.database, id)).query)
  return { outcome, sent, refresher }
}

describe('many changes', () => {
  test('in full, where that was faster; and why stands in history and state', async () => {
    const answer = await made()
    await remember(10, [{ changeRows: 4_000, ms: 10, times: 2 }])
    await world.run(MANY)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'full', reason: 'CHEAPER', rowsInserted: 50 })
    const decision = { action: 'full', reason: 'CHEAPER', basis: 'history', changeRows: 4_000, sourceRows: 20_000 }
    const [entry] = await historyOf(world.database, answer, 1)
    expect(entry).toMatchObject({ action: 'full', reason: 'CHEAPER', decision })
    expect(entry?.decision?.fullMs, 'less than the fill').toBeCloseTo(6)
    expect(entry?.decision?.differentialMs).toBeCloseTo(10)
    const [described] = await describeStreamTables(world.database, answer.id)
    expect(described?.decision).toMatchObject({ ...decision, decidedAt: expect.any(Date) as Date })
  })

  test('by delta, where that was faster; and why stands in history and state', async () => {
    const answer = await made()
    await remember(500, [{ changeRows: 4_000, ms: 10, times: 2 }])
    await world.run(MANY)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'differential', changeRows: 4_000 })
    const decision = { action: 'differential', reason: 'CHEAPER', basis: 'history', changeRows: 4_000 }
    expect(await historyOf(world.database, answer, 1)).toMatchObject([
      { action: 'differential', reason: 'CHEAPER', decision },
    ])
    expect(await describeStreamTables(world.database, answer.id)).toMatchObject([{ decision }])
  })

  test('by delta nevertheless, after it was passed over for long', async () => {
    const answer = await made()
    await remember(100, [
      { changeRows: 4_000, ms: 150 },
      { changeRows: 4_000, ms: 100, times: 15, insteadOf: true },
    ])
    await world.run(MANY)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'differential' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([
      { reason: 'EXPLORED', decision: { reason: 'EXPLORED' } },
    ])
  })

  test('in full, by the sizes alone, where nothing was measured and most rows have changed', async () => {
    const answer = await made()
    await world.run('delete from freshet.refresh_history; update items set n = n + 1')
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([
      { decision: { basis: 'sizes', changeRows: 40_000, fullMs: null } },
    ])
  })

  test('a process learns from its own refreshes too', async () => {
    const answer = await made()
    await remember(3_600_000, [])
    await world.run(SOME)
    const { outcome, refresher } = await refreshAnew(answer)
    expect(outcome).toMatchObject({ action: 'differential' })
    await world.run(SOME)
    expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'differential' })
    const [last, first] = await historyOf(world.database, answer, 2)
    expect(first?.decision).toMatchObject({ basis: 'sizes' })
    expect(last?.decision).toMatchObject({ basis: 'history' })
  })

  test('are counted only as far as the choice needs', async () => {
    const answer = await made()
    await remember(10, [{ changeRows: 1_024, ms: 500, times: 2 }])
    await world.run(MANY)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([{ decision: { changeRows: 4_000 } }])
    // each update is a row of the log, and two change rows
    await world.run('do $$ begin for i in 1 .. 2000 loop update items set n = n + 1 where id = i; end loop; end $$')
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([{ decision: { changeRows: 2_048 } }])
  })

  test('are all counted before a differential refresh is chosen', async () => {
    const answer = await made()
    await remember(100, [
      { changeRows: 1_024, ms: 300 },
      { changeRows: 1_024, ms: 100, times: 25, insteadOf: true },
      { changeRows: 1_024, ms: 100, times: 25, insteadOf: true },
    ])
    await world.run(MANY)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([{ decision: { changeRows: 4_000 } }])
  })

  test('the query is tried for its time where deltas are slow, and nobody knows what a full refresh takes', async () => {
    const answer = await made()
    await remember(3_600_000, [{ changeRows: 4_000, ms: 1_800_000, times: 2 }])
    await world.run(MANY)
    const { outcome, sent, refresher } = await refreshAnew(answer)
    expect(outcome).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    expect(sent.filter((text) => text.startsWith('explain (analyze'))).toHaveLength(1)
    sent.length = 0
    await world.run(MANY)
    expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'full' })
    expect(sent.join(), 'once').not.toContain('explain (analyze')
  })

  test('a trial is given up in time, and of a query that fails', async () => {
    await world.run(ITEMS)
    const pairs = 'select a.kind, count(*) as n from items a join items b on b.id % 50 = a.id % 50 group by 1'
    const answer = await createStreamTable(world.context, { name: 'answer', query: pairs })
    const trial = await tryInFull(world.database, answer, { limitMs: 1, sourceRows: 40_000 })
    expect(trial).toEqual({ action: 'trial', ms: 1, sourceRows: 40_000, finished: false, answerOnly: false })
    const failing = await loadDefinition(world.database, answer.id)
    expect(
      await tryInFull(world.database, { ...failing, query: 'select 1 / 0' }, { limitMs: 5_000, sourceRows: 0 }),
    ).toMatchObject({ finished: false })
  })

  test('DIFFERENTIAL does not ask', async () => {
    const answer = await made('differential')
    await remember(10, [{ changeRows: 4_000, ms: 500, times: 2 }])
    await world.run(MANY)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'differential' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([{ reason: null, decision: null }])
  })
})

describe('few changes', () => {
  test('cost one round trip, and so does finding none', async () => {
    const answer = await made()
    const { database, sent } = recorded(world.database)
    const refresher = createRefresher({ ...world.context, database })
    await world.run(FEW)
    await refresher.refresh(answer.id)
    for (const [script, action] of [
      [FEW, 'differential'],
      ['select 1', 'none'],
      ['select 1', 'none'],
    ] as const) {
      await world.run(script)
      sent.length = 0
      expect(await refresher.refresh(answer.id)).toMatchObject({ action })
      expect(sent).toHaveLength(1)
    }
  })

  test('are looked at first where they were slower than a full refresh', async () => {
    const answer = await made()
    await remember(10, [{ changeRows: 6, ms: 500, times: 3 }])
    const { outcome, refresher } = await refreshAnew(answer)
    expect(outcome).toMatchObject({ action: 'none' })
    await world.run(FEW)
    expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'full', reason: 'CHEAPER', rowsInserted: 3 })
    await world.run('truncate items')
    expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'full', rowsDeleted: 50 })
  })

  test('whoever looked at them refreshes what there is now', async () => {
    const answer = await made()
    await remember(10, [{ changeRows: 6, ms: 500, times: 3 }])
    const { refresher: late } = await refreshAnew(answer)
    const { refresher: early } = await refreshAnew(answer)
    await world.run(FEW)
    expect(await early.refresh(answer.id)).toMatchObject({ action: 'full' })
    expect(await late.refresh(answer.id)).toMatchObject({ action: 'none' })
  })
})

describe('force_full_refresh', () => {
  test.each([
    ['auto', FEW, []],
    ['auto', MANY, []],
    ['auto', FEW, [{ changeRows: 6, ms: 500, times: 3 }]],
    ['differential', FEW, []],
    ['differential', MANY, []],
  ] as const)('overrides mode %s: %s', async (mode, script, past) => {
    const answer = await made(mode)
    await remember(10, past)
    await writeSetting(world.database, 'force_full_refresh', true)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'none' })
    await world.run(script)
    expect((await refreshAnew(answer)).outcome).toMatchObject({ action: 'full', reason: 'FORCED' })
    expect(await historyOf(world.database, answer, 1)).toMatchObject([{ reason: 'FORCED' }])
  })
})

describe('a full refresh', () => {
  const NESTED = `select s % 7 as rest, count(*) as c from (${SUMS}) x where s > 100 group by 1`

  test.each([
    ['of long, through a temporary table, for parallel workers', 1_000, 0, 'create temporary table'],
    ['of long, in one statement, where the planner wants no workers', 1_000, 1_000, 'with fresh as'],
    ['of no time, in one statement', 1, 0, 'with fresh as'],
  ])('%s', async (_, ms, setupCost, expected) => {
    const answer = await made('full', NESTED)
    // for sessions that have begun already, too
    for (const [name, value] of [
      ['parallel_setup_cost', setupCost],
      ['parallel_tuple_cost', 0],
      ['min_parallel_table_scan_size', 0],
    ] as const)
      await world.run(
        `update freshet.stream_table set session_settings = session_settings || '{"${name}": "${value}"}'`,
      )
    for (const script of [FEW, MANY, 'delete from items where id % 3 = 0']) {
      await remember(ms, [])
      await world.run(script)
      const { outcome, sent } = await refreshAnew(answer)
      expect(outcome).toMatchObject({ action: 'full', reason: 'REQUESTED' })
      const used = ['create temporary table', 'with fresh as'].filter((kind) =>
        sent.some((text) => text.startsWith(kind)),
      )
      expect(used).toEqual([expected])
    }
  })

  test('needs no right to make temporary tables', async () => {
    const answer = await made('full', NESTED)
    await remember(1_000, [])
    const role = `${world.own.name}_plain`
    await world.run(
      `create role ${role} login password 'plain'; revoke temporary on database ${world.own.name} from public`,
    )
    try {
      for (const schema of ['public', 'freshet', 'freshet_changes'])
        await world.run(
          `grant all on schema ${schema} to ${role}; grant all on all tables in schema ${schema} to ${role}`,
        )
      await world.run(`grant all on all sequences in schema freshet to ${role}`)
      await world.run(MANY)
      const url = new URL(world.own.url)
      url.username = role
      url.password = 'plain'
      const plain = recorded(await connect({ url: url.toString() }))
      const refresher = createRefresher({ ...world.context, database: plain.database })
      try {
        expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'full', reason: 'REQUESTED' })
      } finally {
        await plain.database.close()
      }
      expect(plain.sent.filter((text) => text.startsWith('create temporary table'))).toEqual([])
      await assertEqualToQuery(world.database, 'answer', NESTED)
    } finally {
      await world.run(
        `drop owned by ${role}; drop role ${role}; grant temporary on database ${world.own.name} to public`,
      )
    }
  })

  test('asks in one statement whether any of its sources has changed', async () => {
    await world.run(`${ITEMS}; create table others (id int primary key); create table more (id int primary key)`)
    const query = 'select i.id from items i, others o, more m'
    const answer = await createStreamTable(world.context, { name: 'answer', query, mode: 'full' })
    const { database, sent } = recorded(world.database)
    const refresher = createRefresher({ ...world.context, database })
    await refresher.refresh(answer.id)
    sent.length = 0
    expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'none' })
    expect(sent.filter((text) => text.includes('freshet_changes'))).toHaveLength(1)
  })

  test('locks its sources by the names that they had the last time, and asks where one has another', async () => {
    await world.run(`${ITEMS}; create table others (id int primary key); insert into others values (1)`)
    const query = 'select i.id, o.id as other from items i, others o'
    const { id, plan } = await createStreamTable(world.context, { name: 'answer', query, mode: 'full' })
    const { database, sent } = recorded(world.database)
    const refresher = createRefresher({ ...world.context, database })
    const asking = sourceTablesStatement(plan.sources).text
    const after = async (script: string, now = query) => {
      await world.run(script)
      sent.length = 0
      expect(await refresher.refresh(id, { full: true })).toMatchObject({ action: 'full' })
      await assertEqualToQuery(world.database, 'answer', now)
      return sent.filter((text) => text === asking).length
    }
    expect(await after('select 1')).toBe(1)
    expect(await after('delete from items where id = 7')).toBe(0)
    const renamed = 'select i.id, o.id as other from things i, others o'
    expect(await after('alter table items rename to things; delete from things where id = 8', renamed)).toBe(1)
    expect(await after('delete from things where id = 9', renamed)).toBe(0)
    const swapped = `alter table things rename to third; alter table others rename to things;
      alter table third rename to others; insert into things values (2)`
    expect(await after(swapped, 'select i.id, o.id as other from others i, things o')).toBe(1)
  })
})
