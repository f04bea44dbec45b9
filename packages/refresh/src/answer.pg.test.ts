import { assertEqualToQuery } from '@freshet/testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { alterStreamTable } from './alter.ts'
import { createStreamTable } from './create.ts'
import { loadDefinition, type Definition } from './definition.ts'
import { explain } from './explain.ts'
import { createRefresher } from './refresher.ts'
import { historyOf } from './status.ts'
import { createWorld, type World } from './world.fixture.ts'

/**
 * Full refreshes that bring the answer alone to the present, and what comes after them. What AUTO has learnt is put into
 * the history, so that no clock decides a test; each refresh is made by a process that knows nothing else.
 */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int);
  insert into items select i, 'k' || i % 50, i from generate_series(1, 5000) i; analyze items`
const MANY = 'update items set n = n + 1 where id <= 2000'
const FEW = 'update items set n = n + 3 where id <= 3'

/** Of each kind of stage that may be the last one: with slots of its own, with a key of its own, without a key, limited. */
const QUERIES = {
  grouped: `select s % 7 as rest, count(*) as c, avg(s) as mean from (select kind, sum(n) as s from items group by kind) x where s > 100 group by 1`,
  single: `select sum(s) as total from (select kind, sum(n) as s from items group by kind having count(*) > 3) x`,
  hashed: `select kind, count(*) as c from items where n > (select avg(n) from items) group by kind`,
  keyed: `select id, kind from items where n > (select avg(n) from items)`,
  bag: `select kind, n % 3 as m from items where n > (select avg(n) from items)`,
  limited: `select kind, sum(n) as s from items group by kind order by s desc, kind limit 5`,
  ranked: `select kind, s, rank() over (partition by s % 3 order by s) as r from (select kind, sum(n) as s from items group by kind) x`,
} as const

async function made(query: string, mode: 'auto' | 'differential' | 'full' = 'auto', name = 'answer') {
  const definition = await createStreamTable(world.context, { name, query, mode })
  expect(definition.plan.answer, 'it has inner stages').toBeDefined()
  return definition
}

/** Reads all rows of a kind for every row, where its stage reads each once. */
const CORRELATED = `select id, kind from items i where n > (select avg(n) from items o where o.kind = i.kind)`

/** Deltas took long at any size, and the fill little; or the other way round. The answer alone took half of it. */
async function remember(dearest: 'delta' | 'full') {
  const [full, answer, delta] = dearest === 'delta' ? [1_000, 500, 60_000] : [6_000, 4_000, 1]
  await world.run(`update freshet.refresh_history set finished_at = started_at + interval '${full} ms', decision = null
      where action <> 'differential';
    delete from freshet.refresh_history where action = 'differential';
    insert into freshet.refresh_history (stream_table_id, started_at, finished_at, action, initiated_by, change_rows)
      select stream_table_id, now(), now() + interval '${delta} ms', 'differential', 'test', n
      from freshet.stream_table cross join (values (4), (4), (6), (6), (4000), (4000)) v(n);
    insert into freshet.refresh_history (stream_table_id, started_at, finished_at, action, reason, initiated_by, decision)
      select stream_table_id, now(), now() + interval '${answer} ms', 'full', 'CHEAPER', 'test', '{"action": "full", "reason": "CHEAPER", "fullMs": null, "differentialMs": null, "answerOnly": true}'
      from freshet.stream_table`)
}

async function refreshAnew({ id }: Definition, options = {}) {
  const outcome = await createRefresher(world.context).refresh(id, options)
  const definition = await loadDefinition(world.database, id)
  await assertEqualToQuery(world.database, definition.table, definition.query)
  return { ...outcome, stateBehind: definition.stateBehind }
}

/** Whether the tables of inner stages, and hidden columns, hold what a full refresh of everything would write. */
async function isStateRight({ id }: Definition): Promise<boolean> {
  const { plan } = await loadDefinition(world.database, id)
  for (const { schema, table, fill } of plan.tables) {
    const query = fill.slice(fill.indexOf('\n') + 1)
    const rows = await world.rows(
      `(table ${schema}.${table} except all (${query})) union all ((${query}) except all table ${schema}.${table})`,
    )
    if (rows.length > 0) return false
  }
  return true
}

test.each(Object.entries(QUERIES))('%s: the answer alone, its state filled again, and a delta', async (_, query) => {
  await world.run(ITEMS)
  const answer = await made(query)
  const columns = answer.plan.tables.at(-1)?.visibleColumns.join(', ') ?? ''
  const reader = await createStreamTable(world.context, { name: 'reader', query: `select ${columns} from answer` })
  for (const script of [
    MANY,
    'delete from items where id % 3 = 0',
    `insert into items select i, 'k' || i % 70, i from generate_series(6001, 9000) i`,
  ]) {
    await remember('delta')
    await world.run(script)
    expect(await refreshAnew(answer)).toMatchObject({ action: 'full', reason: 'CHEAPER', stateBehind: true })
    // which reads what the other one has emitted
    expect(await refreshAnew(reader)).toMatchObject({ stateBehind: false })
  }
  expect(await isStateRight(answer)).toBe(false)
  expect(await refreshAnew(answer), 'nothing is pending').toMatchObject({ action: 'none', stateBehind: true })
  await remember('full')
  await world.run(FEW)
  expect(await refreshAnew(answer)).toMatchObject({ action: 'full', reason: 'STATE_BEHIND', stateBehind: false })
  expect(await isStateRight(answer)).toBe(true)
  for (const script of [FEW, MANY, 'delete from items where id % 5 = 0']) {
    await world.run(script)
    expect(await refreshAnew(answer)).toMatchObject({ action: 'differential', stateBehind: false })
    expect(await refreshAnew(reader)).toMatchObject({ stateBehind: false })
  }
})

/** A stream table whose state is behind, with a few changes waiting. */
async function behind(): Promise<Definition> {
  await world.run(ITEMS)
  const answer = await made(QUERIES.grouped)
  await remember('delta')
  await world.run(MANY)
  expect(await refreshAnew(answer)).toMatchObject({ action: 'full', stateBehind: true })
  await world.run(FEW)
  return answer
}

test('one process goes on by what it remembers', async () => {
  await world.run(ITEMS)
  const answer = await made(QUERIES.grouped)
  await remember('delta')
  const refresher = createRefresher(world.context)
  for (const script of [MANY, MANY, FEW]) {
    await world.run(script)
    expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'full', reason: 'CHEAPER' })
    await assertEqualToQuery(world.database, 'answer', QUERIES.grouped)
  }
  expect(await refresher.refresh(answer.id)).toMatchObject({ action: 'none' })
  const [last] = await historyOf(world.database, answer, 1)
  expect(last?.decision).toMatchObject({ action: 'full', answerOnly: true })
})

test('who asks for a full refresh gets all of it', async () => {
  const answer = await behind()
  expect(await refreshAnew(answer, { full: true })).toMatchObject({ reason: 'REQUESTED', stateBehind: false })
  expect(await isStateRight(answer)).toBe(true)
})

test('another mode begins with what is right', async () => {
  const answer = await behind()
  await alterStreamTable(world.context, 'answer', { mode: 'differential' })
  expect((await explain(world.database, { name: 'answer' })).nextFull?.code).toBe('STATE_BEHIND')
  expect(await refreshAnew(answer)).toMatchObject({ action: 'full', reason: 'STATE_BEHIND', stateBehind: false })
  await world.run(FEW)
  expect(await refreshAnew(answer)).toMatchObject({ action: 'differential' })
})

test('so do the writers who are to keep it', async () => {
  const answer = await behind()
  await alterStreamTable(world.context, 'answer', { mode: 'immediate' })
  expect(await isStateRight(answer)).toBe(true)
  await world.run(FEW)
  await assertEqualToQuery(world.database, 'answer', QUERIES.grouped)
  expect(await isStateRight(answer)).toBe(true)
})

test('in one transaction with others, it is filled', async () => {
  const answer = await behind()
  await made(QUERIES.single, 'auto', 'other')
  for (const name of ['answer', 'other']) await alterStreamTable(world.context, name, { atomic: 'both' })
  await world.run(FEW)
  expect(await refreshAnew(answer)).toMatchObject({ action: 'full', reason: 'STATE_BEHIND', stateBehind: false })
  await world.run(FEW)
  expect(await refreshAnew(answer)).toMatchObject({ action: 'differential' })
  expect(await isStateRight(answer)).toBe(true)
})

test.each([
  ['the planner expects that of the answer to take less', QUERIES.limited, '', 'answer'],
  ['the planner expects it to take more', CORRELATED, '', 'all'],
  ['it was measured to take less', CORRELATED, '1 ms', 'answer'],
  ['it was measured to take more', QUERIES.limited, '9000 ms', 'all'],
] as const)('a full refresh, where %s', async (_, query, measured, depth) => {
  await world.run(ITEMS)
  const answer = await made(query)
  await remember('delta')
  await world.run(
    measured === ''
      ? `delete from freshet.refresh_history where decision is not null`
      : `update freshet.refresh_history set finished_at = started_at + interval '${measured}' where decision is not null`,
  )
  await world.run(MANY)
  expect(await refreshAnew(answer)).toMatchObject({ action: 'full', stateBehind: depth === 'answer' })
})

test('FULL keeps the state', async () => {
  await world.run(ITEMS)
  const answer = await made(QUERIES.grouped, 'full')
  await world.run(MANY)
  expect(await refreshAnew(answer)).toMatchObject({ reason: 'REQUESTED', stateBehind: false })
})
