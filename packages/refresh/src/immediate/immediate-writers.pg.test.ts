import { setTimeout as sleep } from 'node:timers/promises'
import { raw } from '@freshet/core'
import { random, type TestDatabase } from '@freshet/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { JOINED, SUMS, TABLES, createImmediateWorld, type ImmediateWorld } from './immediate-world.fixture.ts'

/** Several writers at once: what each of them changes depends on what the others did, and is right nevertheless. */
type Client = Awaited<ReturnType<TestDatabase['client']>>

let world: ImmediateWorld
let first: Client
let second: Client
let third: Client
let secondPid: number
beforeAll(async () => {
  world = await createImmediateWorld()
  ;[first, second, third] = [await world.own.client(), await world.own.client(), await world.own.client()]
  const { rows } = await second.query<{ pid: number }>('select pg_backend_pid() as pid')
  secondPid = rows[0]?.pid ?? 0
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

/** Pairs of statements whose deltas meet. */
const PAIRS: Readonly<Record<string, readonly [query: string, one: string, other: string]>> = {
  'both sides of a join': [JOINED, 'insert into a values (100, 1, 1)', 'insert into b values (100, 1, 1)'],
  'a join and an update of its key': [JOINED, 'update a set g = 2 where id = 1', 'update b set g = 2 where id = 1'],
  'a row that leaves one side': [JOINED, 'delete from a where g = 1', 'insert into b values (100, 1, 1)'],
  'one group': [SUMS, 'insert into a values (100, 1, 1)', 'update a set v = 50 where id = 1'],
  'the maximum of one group': [SUMS, 'delete from a where id = 10', 'delete from a where id = 7'],
  'a new group': [SUMS, 'insert into a values (100, 9, 1)', 'insert into a values (101, 9, 2)'],
  'the last row of a group': [
    'select g from a group by g having count(*) > 3',
    'delete from a where id = 1',
    'insert into a values (101, 1, 1)',
  ],
  'copies of a row': ['select g from a', 'insert into a values (100, 1, 1)', 'insert into a values (101, 1, 2)'],
  distinct: ['select distinct g from a', 'insert into a values (100, 9, 1)', 'insert into a values (101, 9, 2)'],
  'the first of all': [
    'select id, v from a order by v desc, id limit 2',
    'insert into a values (100, 1, 99)',
    'insert into a values (101, 1, 98)',
  ],
  'a match that comes and one that goes': [
    'select id from a where not exists (select from b where b.v = a.v)',
    'update a set v = 70 where id = 1',
    'insert into b values (100, 1, 70)',
  ],
}

/** Until `second` waits for somebody's lock. */
async function untilSecondWaits(): Promise<void> {
  for (;;) {
    const { rows } = await third.query<{ blocked: boolean }>(
      'select cardinality(pg_blocking_pids($1)) > 0 as blocked',
      [secondPid],
    )
    if (rows.some(({ blocked }) => blocked)) return
    await sleep(2)
  }
}

describe('READ COMMITTED: the second waits for the first, and sees what it did', () => {
  const orders = [
    ['commit', 'commit'],
    ['rollback', 'commit'],
    ['commit', 'rollback'],
  ] as const
  const cases = Object.entries(PAIRS).flatMap(([name, pair]) =>
    [0, 1].flatMap((swapped) => orders.map((ends) => [name, swapped, ends, pair] as const)),
  )
  test.each(cases)('%s (%i, %j)', async (_name, swapped, [firstEnd, secondEnd], [query, one, other]) => {
    await world.run(TABLES)
    await world.stream('answer', query)
    await first.query('begin')
    await second.query('begin')
    await first.query(swapped === 0 ? one : other)
    const waiting = second.query(swapped === 0 ? other : one)
    await untilSecondWaits()
    await first.query(firstEnd)
    await waiting
    await second.query(secondEnd)
    await world.compare()
  })

  test('a savepoint that is rolled back gives the turn back', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await first.query(`begin; savepoint s; insert into a values (100, 1, 1); rollback to s`)
    await second.query('insert into b values (100, 1, 1)')
    await first.query(`insert into a values (100, 1, 1); commit`)
    await world.compare()
  })

  test('rows that identify themselves need no turn', async () => {
    await world.run(TABLES)
    await world.stream('answer', 'select id, v * 2 as twice from a where g <> 2')
    await first.query('begin; update a set v = 100 where id = 1; delete from a where id = 3')
    await second.query('begin; update a set g = 1 where id = 2; insert into a values (100, 1, 1)')
    await first.query('commit')
    await second.query('commit')
    await world.compare()
    // one key, from hand to hand
    await first.query('begin; delete from a where id = 100')
    const waiting = second.query('insert into a values (100, 1, 2)')
    await untilSecondWaits()
    await first.query('commit')
    await waiting
    await world.compare()
  })

  test('writers that take turns in opposite orders: one is chosen as the victim, and may try again', async () => {
    await world.run(TABLES)
    await world.stream('of_a', SUMS)
    await world.stream('of_b', SUMS.replace('from a', 'from b'))
    for (const client of [first, second]) await client.query(`set deadlock_timeout = '50ms'`)
    await first.query('begin; insert into a values (100, 1, 1)')
    await second.query('begin; insert into b values (100, 1, 1)')
    const outcomes = await Promise.allSettled([
      first.query('insert into b values (101, 1, 1)'),
      second.query('insert into a values (101, 1, 1)'),
    ])
    await Promise.all([first.query('commit'), second.query('commit')])
    expect(outcomes.filter(({ status }) => status === 'rejected')).toMatchObject([{ reason: { code: '40P01' } }])
    await world.compare()
  })

  test('two stream tables over one table: their turns are taken in one order, so nobody deadlocks', async () => {
    await world.run(TABLES)
    await world.stream('sums', SUMS)
    await world.stream('pairs', JOINED)
    await first.query('begin; insert into a values (100, 1, 1)')
    const waiting = second.query('insert into a values (101, 1, 1)')
    await untilSecondWaits()
    await first.query('insert into b values (100, 1, 1); commit')
    await waiting
    await world.compare()
  })
})

describe.each(['repeatable read', 'serializable'])('%s', (level) => {
  test.each(Object.entries(PAIRS))('fails where another writer was faster: %s', async (_name, [query, one, other]) => {
    await world.run(TABLES)
    await world.stream('answer', query)
    await first.query(`begin isolation level ${level}; select from a`)
    await second.query(one)
    await expect(first.query(other)).rejects.toMatchObject({
      code: '40001',
      message: expect.stringContaining('immediate stream table public.answer'),
      hint: expect.stringContaining('READ COMMITTED'),
    })
    await first.query('rollback')
    await first.query(`begin isolation level ${level}; ${other}; commit`)
    await world.compare()
  })

  test('works where nobody else wrote since its snapshot', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await second.query('insert into b values (200, 1, 1)')
    await first.query(`begin isolation level ${level}; select from a; insert into a values (100, 1, 1)`)
    await first.query(`insert into b values (100, 1, 1)`)
    await first.query(`savepoint s; delete from b; rollback to s; update a set g = 2 where id < 4; commit`)
    await world.compare()
  })

  test('a stream table that became immediate after the snapshot', async () => {
    await world.run(TABLES)
    await first.query(`begin isolation level ${level}; select 1`)
    await world.stream('answer', JOINED)
    await expect(first.query('insert into a values (100, 1, 1)')).rejects.toMatchObject({ code: '40001' })
    await first.query('rollback')
    await world.compare()
  })

  test('rows that identify themselves: only a refresh is in the way', async () => {
    await world.run(TABLES)
    await world.stream('answer', 'select id, v from a where g <> 2')
    await first.query(`begin isolation level ${level}; select from a`)
    await second.query('update a set v = 100 where id = 1')
    await first.query('update a set v = 100 where id = 4; commit')
    await world.compare()
  })
})

test('eight writers for a while', { timeout: 60_000 }, async () => {
  await world.run(TABLES)
  await world.stream('joined', JOINED)
  await world.stream('sums', SUMS)
  await world.stream('bag', 'select g, v from a')
  await world.stream('keyed', 'select id, v from a where g <> 2')
  await world.stream(
    'rows',
    'select b.g, count(*) as n, count(a.id) as matched from b left join a on a.g = b.g and a.v > b.v group by b.g',
  )
  const draw = random(20_261_121)
  const writers = await Promise.all(
    Array.from({ length: 8 }, async (_, i) => {
      const client = await world.own.client()
      await client.query(`set deadlock_timeout = '30ms'`)
      return {
        client,
        own: draw.fork(),
        level: i < 6 ? 'read committed' : i === 6 ? 'repeatable read' : 'serializable',
      }
    }),
  )
  const counts = { committed: 0, rolledBack: 0, failed: 0 }
  const end = performance.now() + 5_000
  await Promise.all(
    writers.map(async ({ client, own, level }) => {
      while (performance.now() < end) {
        try {
          await client.query(`begin isolation level ${level}`)
          for (let n = own.int(1, 3); n > 0; n--) {
            const saved = own.chance(0.2)
            if (saved) await client.query('savepoint s')
            await client.query(statementOf(own))
            if (saved) await client.query('rollback to s')
          }
          const commits = own.chance(0.8)
          await client.query(commits ? 'commit' : 'rollback')
          if (commits) counts.committed++
          else counts.rolledBack++
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^(40001|40P01)$/) })
          await client.query('rollback')
          counts.failed++
        }
      }
    }),
  )
  await world.compare()
  expect(counts.committed).toBeGreaterThan(50)
  expect(
    await world.database.query(raw('select from freshet.stream_table_state where reinitialize is not null')),
  ).toEqual([])
})

function statementOf(own: ReturnType<typeof random>): string {
  const table = own.chance(0.6) ? 'a' : 'b'
  const id = own.int(1, 30)
  return own.weighted([
    [
      30,
      `insert into ${table} values (${id}, ${own.int(0, 3)}, ${own.int(1, 9)}) on conflict (id) do update set v = ${own.int(1, 9)}`,
    ],
    [30, `update ${table} set v = v + 1, g = ${own.int(0, 3)} where id = ${id}`],
    [20, `delete from ${table} where id = ${id}`],
    [
      15,
      `with x as (update a set g = ${own.int(0, 3)} where id = ${id}) update b set g = ${own.int(0, 3)} where id = ${own.int(1, 30)}`,
    ],
    [1, `truncate ${table}`],
  ])
}
