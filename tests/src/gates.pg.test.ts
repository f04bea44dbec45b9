import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { raw, settleGates, writeSetting } from '@freshet/core'
import { startCoordinator } from '@freshet/coordinator'
import { assertEqualToQuery, createTestDatabase, freshSeed, random, type TestDatabase } from '@freshet/testkit'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { BANK, BANK_STREAMS, startWriters, TOTAL } from './writers.ts'

/**
 * Pausing capture, and going on: whatever writers do around those moments, no stream table is ever wrong without a mark,
 * and only what has a gap is filled anew (law L7).
 */
const STREAMS: Readonly<Record<string, string>> = {
  sums: 'select kind, sum(n) as s, count(*) as c from items group by kind',
  named: 'select i.id, k.name from items i join kinds k on k.kind = i.kind',
  above: 'select max(s) as m from sums',
  apart: 'select name, count(*) as c from kinds group by name',
}

let own: TestDatabase
let freshet: Freshet

beforeEach(async () => {
  own = await createTestDatabase()
  onTestFinished(() => own.drop())
  await run(`create table kinds (kind text primary key, name text);
    create table items (id int primary key, kind text, n int);
    insert into kinds select 'k' || i, 'kind ' || i % 2 from generate_series(0, 3) i;
    insert into items select i, 'k' || i % 4, i from generate_series(1, 40) i`)
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
})

const run = async (script: string) => void (await own.database.query(raw(script)))

async function createAll(mode: 'differential' | 'immediate' = 'differential'): Promise<void> {
  for (const [name, query] of Object.entries(STREAMS)) await freshet.create({ name, query, mode, schedule: 'manual' })
}

/** Refreshes all in order, compares each with its query, and says how each was refreshed. */
async function follow(streams = STREAMS): Promise<Record<string, string>> {
  const how: Record<string, string> = {}
  for (const [name, query] of Object.entries(streams)) {
    const { action, reason } = await freshet.refresh(name)
    how[name] = reason ?? action
    await assertEqualToQuery(own.database, name, query)
  }
  return how
}

const captured = async (table: string) => {
  const [row] = await own.database.query<{ rows: number }>(
    raw(`select (select count(*) from freshet_changes.changes_${await stableName(table)} where __w <> 0)::int as rows`),
  )
  return row?.rows
}
const stableName = async (table: string) => {
  const [row] = await own.database.query<{ name: string }>(
    raw(`select freshet.stable_name('public', '${table}') as name`),
  )
  return row?.name ?? ''
}

describe('a paused source', () => {
  test('is not captured; what reads it is computed in full, and nothing else is', async () => {
    await createAll()
    expect(await freshet.pauseCapture({ kind: 'source', name: 'items' })).toMatchObject({ paused: ['public.items'] })
    await run(`insert into items values (100, 'k1', 5); update kinds set name = 'other' where kind = 'k2'`)
    expect(await captured('items')).toBe(0)
    // again and again, for nothing tells whether there is more
    expect(await follow()).toEqual({
      sums: 'CAPTURE_PAUSED',
      named: 'CAPTURE_PAUSED',
      above: 'differential',
      apart: 'differential',
    })
    await run(`update items set n = 1000 where id = 1; delete from kinds where kind = 'k3'`)
    expect(await follow()).toEqual({
      sums: 'CAPTURE_PAUSED',
      named: 'CAPTURE_PAUSED',
      above: 'differential',
      apart: 'differential',
    })
    for (const name of ['sums', 'named']) expect(await freshet.verify(name)).toMatchObject({ equal: true })
    expect(await freshet.doctor()).toContainEqual(
      expect.objectContaining({
        level: 'warning',
        subject: 'public.items',
        hint: 'freshet resume --source public.items',
      }),
    )
  })

  test('goes on with one filling of what reads it, and is followed by deltas then', async () => {
    await createAll()
    await freshet.pauseCapture({ kind: 'source', name: 'public.items' })
    await run(`delete from items where id < 10; update kinds set name = 'x'`)
    expect(await freshet.resumeCapture({ kind: 'source', name: 'items' })).toMatchObject({ resumed: ['public.items'] })
    await run(`insert into items values (100, 'k1', 5)`)
    expect(await follow()).toEqual({
      sums: 'CAPTURE_PAUSED',
      named: 'CAPTURE_PAUSED',
      above: 'differential',
      apart: 'differential',
    })
    await run(`insert into items values (101, 'k2', 7); insert into kinds values ('k9', 'new')`)
    expect(await follow()).toEqual({
      sums: 'differential',
      named: 'differential',
      above: 'differential',
      apart: 'differential',
    })
    const history = await freshet.history({ limit: 100 })
    const full = history.filter(({ action }) => action === 'full').map(({ name, reason }) => `${name} ${reason}`)
    expect(full.sort()).toEqual(['public.named CAPTURE_PAUSED', 'public.sums CAPTURE_PAUSED'])
  })

  test('a paused stream table, beside that, loses nothing and is not filled anew', async () => {
    await createAll()
    await freshet.pause('sums')
    await run(`delete from items where id < 10`)
    await freshet.resume('sums')
    expect(await follow()).toMatchObject({ sums: 'differential' })
  })

  test('may be paused and resumed twice, and is left alone by what it is not', async () => {
    await createAll()
    const source = { kind: 'source', name: 'items' } as const
    expect(await freshet.resumeCapture(source)).toMatchObject({ paused: [], resumed: [] })
    expect(await freshet.pauseCapture(source)).toMatchObject({ paused: ['public.items'] })
    expect(await freshet.pauseCapture(source)).toMatchObject({ paused: [] })
    expect(await freshet.pauseCapture({ kind: 'capture' })).toMatchObject({ paused: ['public.kinds'] })
    expect(await freshet.resumeCapture(source)).toMatchObject({ resumed: [] })
    expect(await freshet.resumeCapture({ kind: 'capture' })).toMatchObject({
      resumed: ['public.items', 'public.kinds'],
    })
    await run(`update items set n = n + 1`)
    await follow()
    await expect(freshet.pauseCapture({ kind: 'source', name: 'nowhere' })).rejects.toMatchObject({
      code: 'UNKNOWN_SOURCE',
    })
    await expect(freshet.pauseCapture({ kind: 'source', name: 'sums' })).rejects.toMatchObject({ code: 'USAGE' })
  })

  test('stays paused while it is mended, gets more columns or another reader', async () => {
    await createAll()
    await freshet.pauseCapture({ kind: 'source', name: 'items' })
    const name = await stableName('items')
    await run(`drop trigger freshet_insert_${name} on items; alter table items add more int default 3`)
    const later = 'select id, more from items'
    await freshet.create({ name: 'later', query: later, mode: 'differential', schedule: 'manual' })
    await run(`insert into items values (200, 'k1', 1, 4)`)
    expect(await captured('items')).toBe(0)
    const all = { ...STREAMS, later }
    expect(await follow(all)).toMatchObject({ sums: 'CAPTURE_PAUSED', later: 'CAPTURE_PAUSED' })
    await run(`insert into items values (201, 'k1', 1, 4)`)
    expect(await follow(all)).toMatchObject({ sums: 'CAPTURE_PAUSED', later: 'CAPTURE_PAUSED' })
    await freshet.resumeCapture({ kind: 'source', name: 'items' })
    await follow(all)
    await run(`insert into items values (202, 'k1', 1, 4)`)
    expect(await follow(all)).toMatchObject({ sums: 'differential', later: 'differential' })
  })
})

const waitsForItems = async () => {
  const waiting = await own.database.query(
    raw(`select from pg_locks where relation = 'items'::regclass and not granted`),
  )
  return waiting.length > 0
}

describe('writers in flight', () => {
  const BEGINS = { 'read committed': 'begin', 'repeatable read': 'begin isolation level repeatable read' }
  const ENDS = {
    commit: ['commit'],
    rollback: ['rollback'],
    prepared: [`prepare transaction 'flight'`, `commit prepared 'flight'`],
  }
  const cases = Object.keys(BEGINS).flatMap((begin) => Object.keys(ENDS).map((end) => [begin, end] as const))

  test.each(cases)('half captured when the pause came: %s, %s', async (begin, end) => {
    await createAll()
    const writer = await own.client()
    await writer.query(BEGINS[begin as keyof typeof BEGINS])
    await writer.query(`update items set n = n + 1 where id < 20`)
    await freshet.pauseCapture({ kind: 'source', name: 'items' })
    await writer.query(`update items set n = n + 1 where id > 10`)
    expect(await follow()).toMatchObject({ sums: 'CAPTURE_PAUSED' })
    for (const statement of ENDS[end as keyof typeof ENDS]) await writer.query(statement)
    expect(await follow()).toMatchObject({ sums: 'CAPTURE_PAUSED' })
    await freshet.resumeCapture({ kind: 'source', name: 'items' })
    await follow()
    await run('update items set n = 0 where id = 1')
    expect(await follow()).toMatchObject({ sums: 'differential' })
  })

  test.each(cases)('who wrote while it was paused is waited for: %s, %s', async (begin, end) => {
    await createAll()
    await freshet.pauseCapture({ kind: 'source', name: 'items' })
    const writer = await own.client()
    await writer.query(BEGINS[begin as keyof typeof BEGINS])
    await writer.query(`update items set n = n + 1 where id < 20`)
    let resumed = false
    const resuming = freshet.resumeCapture({ kind: 'source', name: 'items' }).then(() => (resumed = true))
    // it tries in short attempts, and others write meanwhile
    await run(`insert into items values (300, 'k0', 1)`)
    await writer.query(`update items set n = n + 1 where id > 10`)
    while (!resumed && !(await waitsForItems())) await sleep(1)
    expect(resumed).toBe(false)
    expect(await follow()).toMatchObject({ sums: 'CAPTURE_PAUSED' })
    for (const statement of ENDS[end as keyof typeof ENDS]) await writer.query(statement)
    await resuming
    expect(await follow()).toMatchObject({ sums: 'CAPTURE_PAUSED' })
    await run('update items set n = 0 where id = 1')
    expect(await follow()).toMatchObject({ sums: 'differential' })
  })

  test('a refresh that began before the pause leaves a table that is filled again', async () => {
    await createAll()
    await run(`update items set n = n + 1`)
    // it holds the state row of `sums`: its refresh waits for that with its old snapshot
    const other = await own.client()
    await other.query(`begin; lock table items in access exclusive mode`)
    const refreshing = freshet.refresh('sums', { full: true })
    await sleep(50)
    await freshet.pauseCapture({ kind: 'source', name: 'items' })
    await other.query(`update items set n = 7; commit`)
    await refreshing
    expect(await follow()).toMatchObject({ sums: 'CAPTURE_PAUSED' })
  })
})

describe('the switches of a database', () => {
  test('cdc_paused: nothing is captured, new sources included, until it ends', async () => {
    const { sums, ...others } = STREAMS
    await freshet.create({ name: 'sums', query: sums ?? '', mode: 'differential', schedule: 'manual' })
    await freshet.pauseCapture({ kind: 'capture' })
    for (const [name, query] of Object.entries(others))
      await freshet.create({ name, query, mode: 'differential', schedule: 'manual' })
    await run(`insert into items values (100, 'k1', 5); insert into kinds values ('k7', 'seven')`)
    expect([await captured('items'), await captured('kinds')]).toEqual([0, 0])
    expect(await follow()).toEqual({
      sums: 'CAPTURE_PAUSED',
      named: 'CAPTURE_PAUSED',
      above: 'differential',
      apart: 'CAPTURE_PAUSED',
    })
    expect(await freshet.doctor()).toContainEqual(expect.objectContaining({ subject: 'cdc_paused', level: 'warning' }))
    await freshet.resumeCapture({ kind: 'capture' })
    await follow()
    await run(`insert into items values (101, 'k1', 5); insert into kinds values ('k8', 'eight')`)
    expect(Object.values(await follow())).toEqual(Array(4).fill('differential'))
  })

  test('set by SQL, they hold as soon as somebody looks', async () => {
    await createAll()
    await run(`insert into freshet.setting (name, value) values ('cdc_paused', 'true')`)
    const settle = () => settleGates(own.database, freshet.capture)
    expect(await settle()).toMatchObject({ paused: ['public.items', 'public.kinds'] })
    await run(`insert into items values (100, 'k1', 5)`)
    expect(await captured('items')).toBe(0)
    await run(`delete from freshet.setting`)
    expect(await settle()).toMatchObject({ resumed: ['public.items', 'public.kinds'] })
    expect(await settle()).toMatchObject({ resumed: [] })
    await run(`insert into items values (101, 'k1', 5)`)
    expect(await captured('items')).toBe(1)
    await follow()
  })

  test('enabled: schedulers start nothing and paused sources hold nobody up; then all is made right', async () => {
    await createAll()
    for (const name of Object.keys(STREAMS)) await freshet.alter(name, { schedule: 'live' })
    const started: string[] = []
    const coordinator = startCoordinator({
      database: own.database,
      refresher: freshet.refresher,
      capture: freshet.capture,
      listener: (event) => {
        if (event.kind === 'refreshed' && event.outcome.action !== 'none') started.push(event.table.name)
      },
    })
    own.defer(async () => void (await coordinator.drain()))
    const until = async (condition: () => boolean | Promise<boolean>) => {
      for (const end = performance.now() + 20_000; !(await condition()); await sleep(10))
        if (performance.now() > end) throw new Error(`not within 20 s: ${condition.toString()}`)
    }
    await run(`insert into items values (100, 'k1', 5)`)
    await until(() => started.includes('public.sums') && started.includes('public.named'))
    await freshet.pauseCapture({ kind: 'everything' })
    await run(`insert into kinds values ('seen', 'seen')`)
    await until(() => coordinator.view().tables.length === 4)
    await sleep(1_500)
    started.length = 0
    await run(`insert into items values (101, 'k1', 5); insert into kinds values ('k7', 'seven')`)
    await sleep(300)
    expect(started).toEqual([])

    // now one source alone: what does not read it goes on
    await writeSetting(own.database, 'enabled', null)
    await freshet.pauseCapture({ kind: 'source', name: 'items' })
    await until(() => started.includes('public.apart'))
    await sleep(1_500)
    started.length = 0
    await run(`insert into items values (102, 'k1', 5); insert into kinds values ('k8', 'eight')`)
    await until(() => started.includes('public.apart'))
    await sleep(300)
    expect(new Set(started)).toEqual(new Set(['public.apart']))

    await freshet.resumeCapture({ kind: 'source', name: 'items' })
    await until(() => started.includes('public.sums') && started.includes('public.named'))
    await coordinator.drain()
    await follow()
  })
})

describe('immediate stream tables', () => {
  const { sums, apart } = STREAMS
  const equal = async () => {
    await assertEqualToQuery(own.database, 'sums', sums ?? '')
    await assertEqualToQuery(own.database, 'apart', apart ?? '')
  }
  beforeEach(async () => {
    for (const [name, query] of [
      ['sums', sums],
      ['apart', apart],
    ] as const)
      await freshet.create({ name, query: query ?? '', mode: 'immediate' })
  })

  test.each([
    ['one source', { kind: 'source', name: 'items' }],
    ['all', { kind: 'capture' }],
    ['everything', { kind: 'everything' }],
  ] as const)('%s: their writers leave them alone, and the next refresh after it makes them right', async (_, gate) => {
    await freshet.pauseCapture(gate)
    await run(`insert into items values (100, 'k1', 5)`)
    await expect(assertEqualToQuery(own.database, 'sums', sums ?? '')).rejects.toThrow(/not what its query says/)
    // in full as often as somebody asks, and still left alone
    expect(await freshet.refresh('sums')).toMatchObject({ action: 'full', reason: 'CAPTURE_PAUSED' })
    await assertEqualToQuery(own.database, 'sums', sums ?? '')
    await run(`update items set n = n + 1`)
    await expect(assertEqualToQuery(own.database, 'sums', sums ?? '')).rejects.toThrow(/not what its query says/)
    await freshet.resumeCapture(gate)
    await freshet.refresh('sums')
    await freshet.refresh('apart')
    await equal()
    await run(`insert into items values (101, 'k2', 6); delete from kinds where kind = 'k0'`)
    await equal()
    await freshet.drop('sums')
    await freshet.drop('apart')
  })
})

test('under writers: pauses and resumes at random, and the money of the bank never differs', async () => {
  const seed = freshSeed()
  const dice = random(seed)
  await run(BANK)
  for (const [name, query] of Object.entries(BANK_STREAMS))
    await freshet.create({ name, query, mode: 'differential', schedule: 'manual' })
  const writers = await startWriters(own, dice.fork(), 5)
  const gates = [{ kind: 'source', name: 'account' }, { kind: 'source', name: 'ledger' }, { kind: 'capture' }] as const
  const counts = { toggles: 0, differential: 0, full: 0 }
  const wrong: unknown[] = []
  let ended = false
  const toggling = (async () => {
    while (!ended) {
      const gate = dice.pick(gates)
      await freshet.pauseCapture(gate)
      await sleep(dice.int(0, 60))
      await freshet.resumeCapture(gate)
      counts.toggles++
      await sleep(dice.int(0, 200))
    }
  })()
  // on a busy machine it takes longer until enough has happened
  const enough = () => Math.min(counts.toggles, counts.differential, counts.full, writers.counts.committed / 10) > 2
  for (const end = performance.now() + 6_000; performance.now() < end || !enough();) {
    for (const name of Object.keys(BANK_STREAMS)) {
      const { action } = await freshet.refresh(name)
      if (action === 'differential' || action === 'full') counts[action]++
    }
    const [row] = await own.database.query<{ total: string }>(raw('select total from total'))
    if (Number(row?.total) !== TOTAL) wrong.push(row)
  }
  ended = true
  await toggling
  await writers.stop()
  expect(wrong, `seed ${seed}`).toEqual([])
  await follow(BANK_STREAMS)
})
