import { triggerCapture } from '@freshet/cdc'
import { type Database, raw, type Refresher, settleUnits } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, freshSeed, random, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { alterStreamTable, pauseStreamTable } from './alter.ts'
import type { RefreshContext } from './context.ts'
import { createStreamTable } from './create.ts'
import { findStreamTable } from './definition.ts'
import { dropStreamTable } from './drop.ts'
import { dump, restore } from './dump.ts'
import { createRefresher } from './refresher.ts'
import { verifyStreamTable } from './verify.ts'

/**
 * Every transaction of a writer raises the clock by one, and every stream table shows it: so what position each of them
 * is at can be read.
 */
const SCHEMA = `
  create table clock (id int primary key, n int not null);
  create table item (id int primary key, kind text not null, n int not null);
  create table other (id int primary key, n int not null);
  insert into clock values (1, 0);
  insert into item select i, 'k' || i % 5, i from generate_series(1, 50) i;
  insert into other select i, i from generate_series(1, 20) i;`

/** What is read comes first. `recomputed` is kept by full refreshes. */
const STREAMS = {
  by_kind: 'select i.kind, sum(i.n) as n, max(c.n) as at from item i cross join clock c group by i.kind',
  joined: 'select i.id, i.n, o.n as other, c.n as at from item i join other o on o.id = i.id cross join clock c',
  recomputed:
    'select kind, at from (select i.kind, c.n as at, row_number() over (order by i.id) as r from item i cross join clock c) q where r <= 3',
  d: 'select k.kind, k.n, k.at, j.at as joined_at, j.n as one from by_kind k join joined j on j.id % 5 = length(k.kind)',
} as const

const POSITIONS = `
  select (select max(at) from by_kind) as by_kind, (select max(at) from joined) as joined, (select max(at) from recomputed) as recomputed,
    (select max(at) from d) as d, (select max(joined_at) from d) as through, (select min(at) from by_kind) as least`

let own: TestDatabase
let database: Database
let context: RefreshContext
let refresher: Refresher
let ids: Record<string, number>

beforeEach(async () => {
  own = await createTestDatabase()
  database = own.database
  context = { database, capture: triggerCapture() }
  refresher = createRefresher(context)
  ids = {}
  await run(SCHEMA)
})
afterEach(() => own.drop())

const run = (script: string) => database.query<Record<string, unknown>>(raw(script))

async function createAll(atomic: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, query] of Object.entries(STREAMS)) {
    const mode = name === 'recomputed' ? 'full' : 'differential'
    const group = atomic[name]
    const { id } = await createStreamTable(context, {
      name,
      query,
      mode,
      ...(group === undefined ? {} : { atomic: group }),
    })
    ids[name] = id
  }
}

const idOf = (name: string) => ids[name] ?? -1

const write = (more = '') => run(`begin; update clock set n = n + 1; ${more}; commit`)

async function positions(): Promise<readonly unknown[]> {
  const [row] = await run(POSITIONS)
  return Object.values(row ?? {})
}

async function assertAllEqual(): Promise<void> {
  for (const [name, query] of Object.entries(STREAMS)) await assertEqualToQuery(database, name, query)
}

const GROUP = { by_kind: 'shop', joined: 'shop', recomputed: 'shop', d: 'shop' }

test('alone, stream tables are seen at different positions: what the others forbid', async () => {
  await createAll({})
  await write()
  await refresher.refresh(idOf('by_kind'))
  expect(await positions()).toEqual([1, 0, 0, 0, 0, 1])
})

test('a member that is refreshed brings all of its unit, in one transaction, by deltas', async () => {
  await createAll(GROUP)
  for (const [step, name] of ['d', 'by_kind', 'joined', 'recomputed', 'd'].entries()) {
    await write(`update item set n = n + 1 where id = ${step + 3}; delete from other where id = ${20 - step}`)
    const outcome = await refresher.refresh(idOf(name))
    expect(outcome.together?.size).toBe(3)
    const actions = { [idOf(name)]: outcome.action }
    for (const [id, other] of outcome.together ?? []) actions[id] = other.action
    expect(actions[idOf('d')]).toBe('differential')
    expect(actions[idOf('recomputed')]).toBe('full')
    expect(await positions()).toEqual(Array(6).fill(step + 1))
    await assertAllEqual()
    const [written] = await run(`select count(distinct xmin::text)::int as n from freshet.stream_table_state`)
    expect(written).toEqual({ n: 1 })
  }
  // what members emitted in the transaction of a refresh is not read again by the next
  expect(await refresher.refresh(idOf('d'))).toMatchObject({ action: 'none' })
  // and takes no number for its transaction; other databases of the server may, now and then
  await vi.waitFor(async () => {
    const before = await run('select pg_snapshot_xmax(pg_current_snapshot())::text as next')
    await refresher.refresh(idOf('d'))
    expect(await run('select pg_snapshot_xmax(pg_current_snapshot())::text as next')).toEqual(before)
  }, 20_000)
})

test('a process that knows nothing of the last refresh goes on from it', async () => {
  await createAll(GROUP)
  for (let step = 1; step <= 4; step++) {
    await write(`update item set n = n * 2 where id < ${step * 9}; insert into item values (${100 + step}, 'k', 1)`)
    await createRefresher(context).refresh(idOf('joined'))
    await assertAllEqual()
  }
})

test('all or nothing: where one fails, the others stay as they were, and it is said which', async () => {
  await createAll({ by_kind: 'shop', joined: 'shop' })
  await run(`alter table joined add constraint small check (n < 1000)`)
  await write(`update item set n = 5000 where id = 7`)
  await expect(refresher.refresh(idOf('by_kind'))).rejects.toMatchObject({
    sqlState: '23514',
    streamTable: idOf('joined'),
  })
  expect((await positions()).slice(0, 2)).toEqual([0, 0])
  await write(`update item set n = 7 where id = 7`)
  await refresher.refresh(idOf('by_kind'))
  expect((await positions()).slice(0, 2)).toEqual([2, 2])
  await assertEqualToQuery(database, 'joined', STREAMS.joined)
})

test('a delta that fails on a passing value is recomputed, with all of the unit', async () => {
  const query = 'select id, 100 / n as share from other'
  const { id } = await createStreamTable(context, { name: 'share', query, mode: 'differential', atomic: 'g' })
  const sums = 'select count(*) as n from other'
  const other = await createStreamTable(context, { name: 'sums', query: sums, mode: 'differential', atomic: 'g' })
  await run('update other set n = 0 where id = 3; update other set n = 5 where id = 3')
  expect(await refresher.refresh(other.id)).toMatchObject({
    together: new Map([[id, expect.objectContaining({ action: 'full', reason: 'DELTA_FAILED' })]]),
  })
  await assertEqualToQuery(database, 'share', query)
  await assertEqualToQuery(database, 'sums', sums)
})

test('truncated, many changes, and a source that was altered', async () => {
  await createAll(GROUP)
  await write('truncate other')
  await refresher.refresh(idOf('d'))
  await assertAllEqual()
  await write(`insert into other select i, i from generate_series(1, 3000) i; update item set n = n + 1`)
  await refresher.refresh(idOf('d'))
  await assertAllEqual()
  await write('alter table other rename n to amount')
  await refresher.refresh(idOf('recomputed'))
  await write()
  await refresher.refresh(idOf('recomputed'))
  expect(await positions()).toEqual(Array(6).fill(4))
})

test('while one is held, the unit is busy', async () => {
  await createAll(GROUP)
  const client = await own.client()
  await client.query(
    `begin; select from freshet.stream_table_state where stream_table_id = ${idOf('joined')} for update`,
  )
  await write()
  expect(await refresher.refresh(idOf('by_kind'))).toMatchObject({ action: 'busy' })
  expect(await positions()).toEqual(Array(6).fill(0))
  await client.query('rollback')
  await refresher.refresh(idOf('by_kind'))
  expect(await positions()).toEqual(Array(6).fill(1))
})

test('verify compares a member, and moves none', async () => {
  await createAll(GROUP)
  await write(`delete from item where id = 6`)
  for (const name of Object.keys(STREAMS)) expect(await verifyStreamTable(context, name)).toMatchObject({ equal: true })
  expect(await positions()).toEqual(Array(6).fill(0))
  await refresher.refresh(idOf('d'))
  await assertAllEqual()
})

test('a diamond is found, and lost, as tables come and go; a dump keeps it', async () => {
  const unitsOf = async () =>
    (await run('select table_name from freshet.stream_table where unit is not null order by 1')).map(
      (row) => row['table_name'],
    )
  await createAll({ d: 'diamond' })
  expect(await unitsOf()).toEqual(['by_kind', 'd', 'joined'])
  await alterStreamTable(context, 'd', { atomic: null })
  expect(await unitsOf()).toEqual([])
  await alterStreamTable(context, 'd', { atomic: 'diamond' })
  const document = await dump(context)
  for (const name of ['recomputed', 'd', 'joined', 'by_kind']) await dropStreamTable(context, name)
  expect(await unitsOf()).toEqual([])
  await restore(context, document)
  expect(await unitsOf()).toEqual(['by_kind', 'd', 'joined'])
  await alterStreamTable(context, 'd', { query: 'select kind, at from by_kind' })
  expect(await unitsOf()).toEqual([])
  await expect(
    createStreamTable(context, { name: 'x', query: 'select n from other', mode: 'immediate', atomic: 'g' }),
  ).rejects.toMatchObject({ code: 'USAGE' })
  // what a process left that ended between the two
  await run(`update freshet.stream_table set atomic = 'late' where table_name in ('joined', 'recomputed')`)
  await settleUnits(database)
  expect(await unitsOf()).toEqual(['joined', 'recomputed'])
  await pauseStreamTable(context, 'joined')
  const id = await findStreamTable(database, 'recomputed')
  await write()
  await refresher.refresh(id)
  await assertEqualToQuery(database, 'joined', STREAMS.joined)
  await assertEqualToQuery(database, 'recomputed', STREAMS.recomputed)
})

test(
  'under random writers, one statement never sees members at different positions',
  { timeout: 300_000 },
  async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await createAll({ by_kind: 'shop', recomputed: 'shop', d: 'diamond' })
    const wanted = process.env['FRESHET_TEST_LENGTH'] === 'long' ? 500 : 8
    const seen = new Set<unknown>()
    let writing = 3
    const waiting = new Set<() => void>()
    const refreshed = () => new Promise<void>((resolve) => void waiting.add(resolve))
    const tell = () => {
      for (const resolve of waiting) resolve()
      waiting.clear()
    }
    const writer = async (which: number) => {
      const draw = random(seed + which)
      const client = await own.client()
      const some = (table: 'item' | 'other') => {
        // each writes to rows of its own, and waits for the others at the clock alone
        const id = 3 * draw.int(1, 20) + which
        const mine = `id % 3 = ${which % 3}`
        const [column, kind] = table === 'item' ? [', kind', `, 'k${id % 7}'`] : ['', '']
        return draw.pick([
          `insert into ${table} (id, n${column}) values (${id}, ${id}${kind}) on conflict do nothing`,
          `update ${table} set n = n + ${draw.int(0, 9)} where ${mine} and id % 7 = ${id % 7}`,
          `delete from ${table} where id = ${id}`,
          `delete from ${table} where ${mine} and id % 9 = ${id % 9}`,
        ])
      }
      try {
        // until so many positions were seen; never far ahead of the refreshes
        for (let round = 0; seen.size < wanted; round++) {
          if (round % 5 === 4) await refreshed()
          const steps = Array.from({ length: draw.int(1, 3) }, () => some(draw.chance(0.6) ? 'item' : 'other'))
          const script = `begin; ${steps.join('; ')}; update clock set n = n + 1; ${draw.chance(0.1) ? 'rollback' : 'commit'}`
          await client.query(script)
        }
      } finally {
        writing--
        tell()
      }
    }
    const names = Object.keys(STREAMS)
    const another = createRefresher(context)
    const refresh = async (by: Refresher, which: number) => {
      const draw = random(seed + 10 + which)
      while (writing > 0) {
        const { action } = await by.refresh(idOf(draw.pick(names)))
        // the other one holds it
        if (action === 'busy') await refreshed()
        else tell()
      }
    }
    const read = async () => {
      const client = await own.client()
      while (writing > 0) {
        const { rows } = await client.query<Record<string, number | null>>(POSITIONS)
        // a table without rows shows no position
        const found = new Set(Object.values(rows[0] ?? {}).filter((at) => at !== null))
        expect([...found], `seed ${seed}`).toHaveLength(1)
        for (const at of found) seen.add(at)
      }
    }
    await Promise.all([writer(1), writer(2), writer(3), refresh(refresher, 1), refresh(another, 2), read()])
    await refresher.refresh(idOf('d'))
    await assertAllEqual()
    expect(seen.size).toBeGreaterThanOrEqual(wanted)
  },
)
