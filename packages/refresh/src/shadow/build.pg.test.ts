import { writeSetting } from '@freshet/core'
import { assertEqualToQuery } from '@freshet/testkit'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { alterStreamTable, type AlterSpec } from '../alter.ts'
import { createStreamTable } from '../create.ts'
import { findDefinition } from '../definition.ts'
import { dropStreamTable } from '../drop.ts'
import { historyOf } from '../status.ts'
import { leftBehind, createWorld, type World } from '../world.fixture.ts'
import { cancelAlteration, removeAbandonedShadows } from './abandoned.ts'
import { observed } from './observed.fixture.ts'
import type { Phase } from './shadow.ts'

/** What happens between the question for a new query and its answer: phase by phase, and where it is broken off. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const ITEMS = `create table items (id int primary key, kind text, n int); insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i;
  create table others (id int primary key, v int); insert into others values (1, 1), (2, 2)`
const SUMS = 'select kind, sum(n) as s from items group by kind'
const OTHER =
  'select i.kind, sum(i.n * o.v) as s, count(*) as c from items i join others o on o.id = 1 + i.id % 2 group by i.kind'

/** Alters, and does something whenever a phase begins. */
async function alter(change: AlterSpec, at: Partial<Record<Phase | 'round', () => Promise<unknown>>> = {}) {
  const seen: string[] = []
  const database = observed(world.database, async ({ text, values }) => {
    const phase = text.includes('set phase = ') ? (values[0] as Phase) : text.includes('set rounds = ') ? 'round' : null
    if (phase === null) return
    seen.push(phase)
    await at[phase]?.()
  })
  const messages: string[] = []
  const done = alterStreamTable({ ...world.context, database }, 'answer', change, ({ message }) =>
    messages.push(message),
  )
  return done.then(
    () => ({ seen, messages }),
    (error: unknown) => {
      throw error
    },
  )
}

const live = () => assertEqualToQuery(world.database, 'answer', SUMS)
const told = () =>
  world.rows(
    `select name, shadow, query, phase, running, rounds, change_rows::int, canceled from freshet.shadow_build_status`,
  )

/** As if nothing had been asked for. */
async function untouched(before: readonly string[]): Promise<void> {
  expect(await leftBehind(world.database)).toEqual(before)
  expect(await world.rows('select from freshet.shadow_build')).toEqual([])
  expect(await findDefinition(world.database, 'answer')).toMatchObject({ query: SUMS, status: 'active' })
  await world.step(`update items set n = n + 1`)
}

test('until the swap it is what it was, and is refreshed; after it, it is the new query at that moment', async () => {
  await world.run(ITEMS)
  const answer = await world.stream('answer', SUMS)
  const refreshLive = async () => {
    await world.run('update items set n = n + 1; update others set v = v + 1')
    expect(await world.refresh(answer)).toMatchObject({ action: 'differential' })
    await live()
  }
  const status: unknown[] = []
  const look = async () => void status.push(...(await told()))
  const { seen } = await alter(
    { query: OTHER },
    {
      filling: refreshLive,
      'catching up': refreshLive,
      round: look,
      // now it is ahead of its shadow
      swapping: refreshLive,
    },
  )
  expect(seen).toEqual(['filling', 'catching up', 'round', 'swapping', 'replaced'])
  // without another refresh: what readers have seen of the sources is in it
  await assertEqualToQuery(world.database, 'answer', OTHER)
  const shadow = expect.stringMatching(/^freshet_changes\.shadow_[0-9a-f]{16}$/)
  expect(status).toEqual([
    {
      name: 'public.answer',
      shadow,
      query: OTHER,
      phase: 'catching up',
      running: true,
      rounds: 0,
      change_rows: null,
      canceled: false,
    },
  ])
  expect(await told()).toEqual([])
  expect(await historyOf(world.database, await findDefinition(world.database, 'answer'), 1)).toMatchObject([
    { action: 'full', reason: 'ALTERED', initiatedBy: 'alter', rowsInserted: 4 },
  ])
  await world.step(`update items set n = n + 1`, `update others set v = 7 where id = 2`)
})

test('it catches up in rounds until one is small', async () => {
  await writeSetting(world.database, 'small_delta_rows', 20)
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  let more = 3
  const { seen } = await alter(
    { query: OTHER, restMs: 1 },
    { 'catching up': async () => (more-- > 0 ? world.run('update items set n = n + 1') : undefined) },
  )
  expect(seen.filter((phase) => phase === 'round')).toHaveLength(4)
  await assertEqualToQuery(world.database, 'answer', OTHER)
  await world.run(`delete from freshet.setting`)
  await world.step(`update items set n = n + 1`)
})

test('what comes between the last round and the swap, too much of it, is another round', async () => {
  await writeSetting(world.database, 'small_delta_rows', 20)
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  let times = 2
  const { seen } = await alter(
    { query: OTHER },
    { swapping: async () => (times-- > 0 ? world.run('update items set n = n + 1') : undefined) },
  )
  expect(seen.filter((phase) => phase === 'replaced')).toHaveLength(1)
  expect(seen.filter((phase) => phase === 'swapping')).toHaveLength(3)
  await assertEqualToQuery(world.database, 'answer', OTHER)
  await world.run(`delete from freshet.setting`)
  await world.step(`update items set n = n + 1`)
})

test('an index that somebody makes at the last moment is there, too, and one that he drops is not', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  await world.run('create index early on answer (s)')
  let times = 1
  await alter(
    { query: 'select kind, sum(n) + 1 as s from items group by kind' },
    {
      swapping: async () =>
        times-- > 0 ? world.run('create index late on answer (s, kind); drop index early') : undefined,
    },
  )
  expect(
    await world.rows(
      `select indexrelid::regclass::text as name from pg_index where indrelid = 'answer'::regclass order by 1`,
    ),
  ).toEqual([{ name: 'answer_pkey' }, { name: 'late' }])
  await world.step(`update items set n = n + 1`)
})

test('one that does not catch up is given up, and leaves nothing', async () => {
  await writeSetting(world.database, 'small_delta_rows', 20)
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const before = await leftBehind(world.database)
  const writing = { 'catching up': () => world.run('update items set n = n + 1') }
  await expect(alter({ query: OTHER }, writing)).rejects.toMatchObject({
    code: 'NOT_CONVERGING',
    detail: '11 refreshes, of 80, 80, 80 change rows at last',
  })
  await world.run(`delete from freshet.setting`)
  await untouched(before)
})

test.each<Phase>(['filling', 'catching up', 'swapping', 'replaced'])(
  'what fails as it begins %s leaves nothing',
  async (phase) => {
    await world.run(ITEMS)
    await world.stream('answer', SUMS)
    await world.run('create index own on answer (s); create view reader as select kind from answer')
    const before = await leftBehind(world.database)
    const failing = { [phase]: () => Promise.reject(new Error('enough')) }
    await expect(alter({ query: OTHER }, failing)).rejects.toThrow('enough')
    await untouched(before)
  },
)

test('a source that changes its shape meanwhile ends it', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const before = await leftBehind(world.database)
  for (const phase of ['catching up', 'swapping'] as const) {
    const changing = { [phase]: () => world.run('alter table others alter column v type bigint') }
    await expect(alter({ query: OTHER }, changing)).rejects.toMatchObject({ code: 'SOURCE_CHANGED' })
    await world.run('alter table others alter column v type int')
  }
  await untouched(before)
})

test('canceled while the query runs: the statement ends, and nothing is left', async () => {
  await world.run(
    `${ITEMS}; create function slow(n int) returns int stable language plpgsql as $$ begin perform pg_sleep(600); return n; end $$`,
  )
  await world.stream('answer', SUMS)
  const before = await leftBehind(world.database)
  await expect(cancelAlteration(world.context, 'answer')).rejects.toMatchObject({ code: 'USAGE' })
  const altering = alter({ query: 'select id, slow(v) as v from others', mode: 'full' })
  const asleep = `select from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`
  const asleepYet = async () => {
    while ((await world.rows(asleep)).length === 0);
  }
  // what fails before fails the test
  await Promise.race([altering, asleepYet()])
  expect(await told()).toMatchObject([{ phase: 'filling', running: true, canceled: false }])
  await cancelAlteration(world.context, 'answer')
  await expect(altering).rejects.toMatchObject({
    code: 'STATEMENT_CANCELED',
    message: expect.stringContaining('public.answer'),
  })
  expect(await world.rows(asleep)).toEqual([])
  await untouched(before)
})

test('it rests after the fill, and after each index', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  await world.run('create index early on answer (s); create index late on answer (s, kind)')
  const before = await leftBehind(world.database)
  for (const [last, indexes] of [
    ['analyze', 0],
    ['create index shadow_', 1],
  ] as const) {
    const texts: string[] = []
    const database = observed(world.database, async ({ text }) => {
      texts.push(text)
      if (text.startsWith(last)) await cancelAlteration(world.context, 'answer')
    })
    // a rest in which it sees that it is canceled; without one, the next index would be there by then
    const restMs = last === 'analyze' ? 60_000 : 3_000
    const altering = alterStreamTable({ ...world.context, database }, 'answer', { query: OTHER, restMs })
    await expect(altering).rejects.toMatchObject({ code: 'STATEMENT_CANCELED' })
    expect(texts.filter((text) => text.startsWith('create index shadow_'))).toHaveLength(indexes)
    await untouched(before)
  }
})

test('canceled between two rounds', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const before = await leftBehind(world.database)
  // too much for the last round
  const change = () => world.run('update items set n = n + 1')
  const cancel = { 'catching up': () => change().then(() => cancelAlteration(world.context, 'answer')) }
  await writeSetting(world.database, 'small_delta_rows', 20)
  await expect(alter({ query: OTHER, restMs: 3_000 }, cancel)).rejects.toMatchObject({ code: 'STATEMENT_CANCELED' })
  await world.run(`delete from freshet.setting`)
  await untouched(before)
})

test('what a process left is removed by upkeep, and by who alters next; not what somebody is at', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const before = await leftBehind(world.database)
  const leave = async () => {
    const lost = new Error('the process has ended')
    const gone = observed(world.database, async ({ text, values }) => {
      // nothing reaches the server any more
      if (ended || (ended = text.includes('set phase = ') && values[0] === 'swapping')) throw lost
    })
    let ended = false
    await expect(alterStreamTable({ ...world.context, database: gone }, 'answer', { query: OTHER })).rejects.toThrow(
      lost,
    )
  }
  await alter(
    { query: SUMS.replace('sum(n)', 'sum(n + 1)') },
    {
      'catching up': async () => expect(await removeAbandonedShadows(world.context)).toEqual([]),
    },
  )
  await alter({ query: SUMS })
  await leave()
  expect(await told()).toMatchObject([{ phase: 'catching up', running: false }])
  expect(await removeAbandonedShadows(world.context)).toEqual([
    { subject: 'public.answer', message: 'its alteration was interrupted: what was made of it is removed' },
  ])
  await untouched(before)
  await leave()
  await cancelAlteration(world.context, 'answer')
  await untouched(before)
  await leave()
  await alter({ query: OTHER })
  expect(await world.rows('select from freshet.shadow_build')).toEqual([])
  await world.step(`update items set n = n + 1`)
})

test('the stream table itself is dropped meanwhile: nothing is left of either', async () => {
  await world.run(ITEMS)
  await createStreamTable(world.context, { name: 'answer', query: SUMS })
  const dropping = { swapping: () => dropStreamTable(world.context, 'answer') }
  await expect(alter({ query: OTHER }, dropping)).rejects.toMatchObject({
    code: expect.stringMatching(/UNKNOWN|CANCELED/),
  })
  expect(await leftBehind(world.database)).toEqual([])
})

test('a query that means the same stays where it is', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  const relation = () => world.rows(`select 'answer'::regclass::oid as oid`)
  const before = await relation()
  const same = 'SELECT kind,  sum(items.n) AS s FROM public.items GROUP BY 1'
  const { seen } = await alter({ query: same, mode: 'full' })
  expect(seen).toEqual([])
  expect(await findDefinition(world.database, 'answer')).toMatchObject({ query: same, mode: 'full' })
  expect(await relation()).toEqual(before)
  await alter({ mode: 'differential' })
  await world.step(`update items set n = n + 1`)
})

test('what reads it follows to the new storage, also while the old one is still there', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  await world.run('create view through as select kind, s from answer')
  const above = await world.stream('above', 'select max(s) as m from answer')
  const beyond = await world.stream('beyond', 'select kind from through where s > 100')
  const refreshed: unknown[] = []
  const database = observed(world.database, async ({ text }) => {
    if (!text.startsWith('drop table freshet_changes.shadow_old_')) return
    for (const dependant of [above, beyond]) refreshed.push(await world.refresh(dependant))
  })
  const query = 'select kind, (sum(n) * 2)::bigint as s, count(*) as c from items group by kind'
  await alterStreamTable({ ...world.context, database }, 'answer', { query })
  expect(refreshed).toMatchObject(Array(2).fill({ action: 'full', reason: 'SOURCE_CHANGED' }))
  expect((await findDefinition(world.database, 'above')).definition).toMatch(/from public\.answer\b/i)
  await world.step(`update items set n = n + 1`, `insert into items values (300, 'k7', 1000)`)
})

test('how long readers were locked out is told: from their locks until the commit', async () => {
  await world.run(ITEMS)
  await world.stream('answer', SUMS)
  await world.run('create view readers as select kind from answer')
  const observer = await world.own.client()
  const clock = async () => {
    const { rows } = await observer.query<{ ms: number }>(
      `select extract(epoch from clock_timestamp())::float8 * 1000 as ms`,
    )
    return rows[0]?.ms ?? NaN
  }
  let heldMs = NaN
  const database = observed(world.database, async ({ text }, where) => {
    if (where !== 'in transaction' || !/set schema "?public/.test(text)) return
    const began = await clock()
    const reading = observer.query(`set lock_timeout = '50ms'; select from readers`)
    await expect(reading).rejects.toMatchObject({ code: '55P03' })
    heldMs = (await clock()) - began
  })
  const { lockedMs } = await alterStreamTable({ ...world.context, database }, 'answer', { query: OTHER })
  expect(heldMs).toBeGreaterThan(0)
  expect(lockedMs).toBeGreaterThan(heldMs)
  expect(await alterStreamTable(world.context, 'answer', { query: OTHER })).toMatchObject({ lockedMs: null })
  await world.step(`update items set n = n + 1`)
})

test('behind the lock of readers, only names change: as many statements for many rows as for few', async () => {
  await world.run(
    `${ITEMS}; create view readers as select kind from answer_view`.replace(
      '; create view readers as select kind from answer_view',
      '',
    ),
  )
  await world.stream('answer', 'select id, kind, n from items')
  await world.run('create view readers as select id from answer; create index own on answer (n)')
  const observer = await world.own.client()
  const locked = async () => {
    const { rows } = await observer.query<{ name: string }>(
      `select c.relname as name from pg_locks l join pg_class c on c.oid = l.relation where l.granted and l.mode = 'AccessExclusiveLock'
        and l.database = (select oid from pg_database where datname = current_database()) and c.relname in ('answer', 'readers') order by 1`,
    )
    return rows.map(({ name }) => name)
  }
  const behindLock = async (query: string) => {
    const texts: string[] = []
    const database = observed(world.database, async ({ text }, where) => {
      if (where === 'in transaction' && (await locked()).length > 0) texts.push(text.trim())
    })
    await alterStreamTable({ ...world.context, database }, 'answer', { query })
    return texts
  }
  const few = await behindLock('select id, kind, n + 1 as n from items')
  await world.run(`insert into items select i, 'k' || i % 4, i from generate_series(1000, 21000) i`)
  const many = await behindLock('select id, kind, n + 2 as n from items')
  expect(many.length).toBe(few.length)
  // views are locked first, and the last round was before
  expect(many[0]).not.toContain('insert into')
  for (const text of many)
    expect(text).not.toMatch(
      /from (public\.)?answer\b(?!.* with no data)|update (public\.)?answer\b|into (public\.)?answer\b/s,
    )
  expect(many.filter((text) => /^(alter|create|drop|lock|comment|grant|revoke)/.test(text)).length).toBeLessThan(30)
  await world.step(`update items set n = n + 1 where id < 40`)
})
