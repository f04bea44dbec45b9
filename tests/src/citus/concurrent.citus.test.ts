import { setTimeout as sleep } from 'node:timers/promises'
import { clusterUrls, freshSeed, random, type Random } from '@freshet/testkit'
import type pg from 'pg'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { createCitusWorld, type CitusWorld } from './world.ts'

const SECONDS = LONG ? 120 : 6
const WRITERS = 4

/**
 * Money moves between shards of two tables, in transactions over several nodes from the coordinator and from a worker,
 * some rolled back, some paused. Each refresh is verified at its own snapshot; none may differ, and no writer may fail.
 */
describe.skipIf(clusterUrls() === null)('writers on every node', () => {
  test(`are followed exactly for ${SECONDS} s`, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    const draw = random(seed)
    await using world = await createCitusWorld()
    await world.run(
      'create table owner (id int primary key, region int not null)',
      'create table account (id int, owner int, balance int not null, primary key (owner, id))',
      `select create_distributed_table('owner', 'id')`,
      `select create_distributed_table('account', 'owner', colocate_with => 'owner')`,
      'insert into owner select i, i % 5 from generate_series(1, 60) i',
      'insert into account select i, 1 + i % 60, 100 from generate_series(1, 600) i',
    )
    await world.stream('total', 'select sum(balance) as total, count(*) as accounts from account')
    await world.stream(
      'by_region',
      'select o.region, sum(a.balance) as balance, count(*) as n, max(a.balance) as most from account a join owner o on o.id = a.owner group by o.region',
    )
    const state = { stopped: false }
    const counts = { committed: 0, rolledBack: 0 }
    const writers = await Promise.all(
      Array.from({ length: WRITERS }, async (_, i) =>
        write(await world.writer(i % 2 === 0 ? undefined : i % 3), draw.fork(), state, counts),
      ),
    )
    const end = performance.now() + SECONDS * 1000
    let verified = 0
    while (performance.now() < end) {
      for (const name of ['total', 'by_region']) {
        const { equal, extra, missing } = await world.freshet.verify(name)
        expect({ seed, name, equal, extra, missing }).toEqual({ seed, name, equal: true, extra: 0, missing: 0 })
        verified++
      }
      await world.freshet.refresh('by_region')
    }
    state.stopped = true
    await Promise.all(writers.map(({ done }) => done))
    await world.follow()
    expect(await world.rows('select total::int, accounts::int from total')).toEqual([{ total: 60_000, accounts: 600 }])
    expect(await full(world)).toBe(0)
    console.log({ seed, verified, differences: 0, ...counts })
  })
})

/** Refreshes that were not differential: a test that silently runs on full ones proves nothing. */
async function full(world: CitusWorld): Promise<number> {
  const [row] = await world.rows(`select count(*)::int as n from freshet.refresh_history where action = 'full'`)
  return Number(row?.['n'])
}

/** A writer whose statement fails ends the test. */
async function write(
  client: pg.Client,
  draw: Random,
  state: { readonly stopped: boolean },
  counts: { committed: number; rolledBack: number },
): Promise<{ readonly done: Promise<void> }> {
  const owner = () => draw.int(1, 60)
  const done = (async () => {
    while (!state.stopped) {
      await client.query('begin')
      // in one order, so that writers wait for each other and never in a circle
      const [low = 1, high = 1] = [owner(), owner()].toSorted((a, b) => a - b)
      for (const [of, amount] of [
        [low, -1],
        [high, 1],
      ] as const) {
        await client.query(
          'update account set balance = balance + $2 where owner = $1 and id = (select min(id) from account where owner = $1)',
          [of, amount],
        )
        if (draw.chance(0.12)) await sleep(draw.int(0, 39))
      }
      if (draw.chance(0.1)) await client.query('update owner set region = $2 where id = $1', [high, draw.int(0, 4)])
      const commits = draw.chance(0.85)
      await client.query(commits ? 'commit' : 'rollback')
      counts[commits ? 'committed' : 'rolledBack']++
    }
  })()
  return { done }
}
