import { setTimeout as sleep } from 'node:timers/promises'
import type { Random } from '@freshet/testkit'
import type pg from 'pg'
import type { CitusWorld } from './world.ts'

/**
 * Money that moves between shards: two co-located tables and a reference table, transactions over several nodes, from the coordinator and from
 * workers, some rolled back, some paused. The sum is the same at every commit.
 */
const OWNERS = 60
export const BANK_TOTAL = 60_000

/** The tables alone: nothing of Freshet is on them. */
export async function openBankTables(world: CitusWorld): Promise<void> {
  await world.run(
    'create table owner (id int primary key, region int not null)',
    'create table account (id int, owner int, balance int not null, primary key (owner, id))',
    'create table region (id int primary key, name text not null)',
    `select create_reference_table('region')`,
    `insert into region select i, 'region ' || i from generate_series(0, 4) i`,
    `select create_distributed_table('owner', 'id')`,
    `select create_distributed_table('account', 'owner', colocate_with => 'owner')`,
    `insert into owner select i, i % 5 from generate_series(1, ${OWNERS}) i`,
    `insert into account select i, 1 + i % ${OWNERS}, 100 from generate_series(1, 600) i`,
  )
}

export async function openBank(world: CitusWorld): Promise<void> {
  await openBankTables(world)
  await world.stream('total', 'select sum(balance) as total, count(*) as accounts from account', undefined, {
    placement: 'local',
  })
  await world.stream(
    'by_region',
    'select o.region, sum(a.balance) as balance, count(*) as n, max(a.balance) as most from account a join owner o on o.id = a.owner group by o.region',
    undefined,
    { placement: 'distributed' },
  )
  await world.stream(
    'by_name',
    'select r.name, sum(a.balance) as balance from account a join owner o on o.id = a.owner join region r on r.id = o.region group by r.name',
    undefined,
    { placement: 'reference' },
  )
  // refreshed on the workers
  await world.stream(
    'by_owner',
    'select a.owner, o.region, sum(a.balance) as balance, count(*) as n from account a join owner o on o.id = a.owner group by a.owner, o.region',
    undefined,
    { placement: 'distributed' },
  )
  if ((await world.rows('select from freshet.shard_queue_reader')).length !== 2)
    throw new Error('by_owner is not pushed down')
  // what reads one that is placed, and may be ahead of it on another node
  await world.stream('much', 'select region, balance from by_region where balance > 11000', undefined, {
    placement: 'distributed',
  })
}

export const BANK_TABLES = ['total', 'by_region', 'by_name', 'by_owner', 'much'] as const

export interface BankWriters {
  readonly counts: { committed: number; rolledBack: number; refused: number }
  /** Lets every transaction end; throws what any of them met that was not to be expected. */
  stop(): Promise<void>
}

/** `expected`: whether an error is one of the fault that the test makes; then the writer connects anew. */
export async function startBankWriters(
  world: CitusWorld,
  draw: Random,
  writers: number,
  expected: (error: unknown) => boolean = () => false,
): Promise<BankWriters> {
  const state = { stopped: false }
  const counts = { committed: 0, rolledBack: 0, refused: 0 }
  const workers = world.own.workerUrls.length
  const running = Array.from({ length: writers }, async (_, i) => {
    const own = draw.fork()
    const node = i % 2 === 0 ? undefined : i % workers
    let client: pg.Client | null = null
    while (!state.stopped) {
      try {
        client ??= await world.writer(node)
        await transfer(client, own, counts)
      } catch (error) {
        if (!expected(error)) throw error
        counts.refused++
        await client?.end().catch(() => undefined) // the fault may have taken the connection
        client = null
        await sleep(50)
      }
    }
  })
  // whoever fails is heard of when they are stopped
  const settled = Promise.allSettled(running)
  return {
    counts,
    async stop() {
      state.stopped = true
      const failed = (await settled).find((result) => result.status === 'rejected')
      if (failed !== undefined) throw failed.reason
    },
  }
}

/** An account was not where the writer was sent. */
export class NoSuchRow extends Error {}

async function transfer(client: pg.Client, draw: Random, counts: BankWriters['counts']): Promise<void> {
  await client.query('begin')
  // in one order, so that writers wait for each other and never in a circle
  const [low = 1, high = 1] = [draw.int(1, OWNERS), draw.int(1, OWNERS)].toSorted((a, b) => a - b)
  for (const [of, amount] of [
    [low, -1],
    [high, 1],
  ] as const) {
    const { rowCount } = await client.query(
      'update account set balance = balance + $2 where owner = $1 and id = (select min(id) from account where owner = $1)',
      [of, amount],
    )
    if (rowCount !== 1) throw new NoSuchRow()
    if (draw.chance(0.12)) await sleep(draw.int(0, 40))
  }
  if (draw.chance(0.1)) await client.query('update owner set region = $2 where id = $1', [high, draw.int(0, 4)])
  if (draw.chance(0.1))
    await client.query('update region set name = $2 where id = $1', [draw.int(0, 4), `region ${draw.int(0, 9)}`])
  const commits = draw.chance(0.85)
  await client.query(commits ? 'commit' : 'rollback')
  counts[commits ? 'committed' : 'rolledBack']++
}
