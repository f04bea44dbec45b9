import { type CollectorEvent, connect } from '@freshet/client'
import { startCoordinator } from '@freshet/coordinator'
import { writeSetting } from '@freshet/core'
import { type Cluster, clusterUrls, findCitus, startCluster } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type NetworkLink, networkLink } from '../crash/relay/network-link.ts'
import { LONG } from '../length.ts'
import { type CitusWorld, createCitusWorld } from './world.ts'

const PATIENCE = { timeout: 60_000, interval: 100 }

/**
 * A node can not be reached for a while. What lies on it waits, and nothing of that is recorded in part; what lies elsewhere
 * is refreshed as ever; people are told; and when the node is back, all goes on by itself.
 */
describe.skipIf(clusterUrls() === null)('a node that does not answer', { timeout: LONG ? 600_000 : 120_000 }, () => {
  let cluster: Cluster

  beforeAll(async () => {
    const binaries = await findCitus()
    if (binaries === null) throw new Error('there is no Citus any more')
    cluster = await startCluster(binaries)
  })

  afterAll(async () => cluster.stop())

  test('is left alone while it is dead, and taken up again', async () => {
    await using world = await createCitusWorld({ cluster, shards: 6 })
    await openShop(world)
    await using scheduled = await schedule(world)
    const victim = await groupWithout(world, 'alone')
    const worker = cluster.workers[victim - 1]
    if (worker === undefined) throw new Error(`there is no node of group ${victim}`)
    for (let i = 0; i < (LONG ? 5 : 1); i++) {
      scheduled.events.length = 0
      await worker.kill()
      await whileAway(world, scheduled, victim, i)
      await worker.start()
      await isBack(world, scheduled, victim)
    }
  })

  test('is left alone while the network is cut, and taken up again, at another port', async () => {
    await using world = await createCitusWorld({ cluster, shards: 6 })
    await openShop(world)
    const victim = await groupWithout(world, 'alone')
    const port = cluster.workers[victim - 1]?.port ?? 0
    let link: NetworkLink = await networkLink(`127.0.0.1:${port}`)
    const moveTo = async (address: string) => {
      await world.run(
        `select citus_update_node(nodeid, '127.0.0.1', ${Number(address.split(':')[1])}, force => true, lock_cooldown => 100)
          from pg_dist_node where groupid = ${victim}`,
      )
    }
    try {
      await moveTo(link.address)
      await synced(world)
      {
        await using scheduled = await schedule(world)
        if (LONG) {
          // nothing comes through, and nobody is told
          link.freeze()
          await whileAway(world, scheduled, victim, 0, 'silent')
          link.thaw()
          await isBack(world, scheduled, victim)
          scheduled.events.length = 0
        }
        await link[Symbol.asyncDispose]()
        await whileAway(world, scheduled, victim, 1)
        link = await networkLink(`127.0.0.1:${port}`)
        await moveTo(link.address)
        await isBack(world, scheduled, victim)
        const row = (await world.freshet.citusStatus()).find(({ group }) => group === victim)
        expect(row).toMatchObject({ node: link.address, failures: 0 })
      }
    } finally {
      await moveTo(`127.0.0.1:${port}`)
      await synced(world)
      await link[Symbol.asyncDispose]()
    }
  })
})

async function openShop(world: CitusWorld): Promise<void> {
  await writeSetting(world.freshet.database, 'citus_worker_retry_ticks', 3)
  await world.run(
    'create table orders (id bigint, customer int, amount int, primary key (customer, id))',
    `select create_distributed_table('orders', 'customer')`,
    'insert into orders select i, i % 50, i from generate_series(1, 500) i',
    'create table alone (id int primary key)',
    `select create_distributed_table('alone', null)`,
  )
  await world.stream('total', 'select count(*) as n, sum(amount) as total from orders')
  await world.stream('per_customer', 'select customer, sum(amount) as total from orders group by customer', undefined, {
    placement: 'distributed',
  })
  await world.stream('others', 'select count(*) as n from alone')
  for (const name of ['total', 'per_customer', 'others']) await world.freshet.alter(name, { schedule: 'live' })
}

interface Scheduled extends AsyncDisposable {
  readonly events: CollectorEvent[]
}

/** A scheduler of its own, as `freshet serve` is. */
async function schedule({ own }: CitusWorld): Promise<Scheduled> {
  const events: CollectorEvent[] = []
  const freshet = await connect(own.url)
  freshet.startStream((event) => {
    if (event.kind === 'unreachable' || event.kind === 'reached' || event.kind === 'removed') events.push(event)
  })
  const { database, refresher, capture } = freshet
  const coordinator = startCoordinator({ database, refresher, capture })
  return {
    events,
    [Symbol.asyncDispose]: async () => {
      await coordinator.drain(10_000)
      await freshet.close()
    },
  }
}

/** A node on which this table is not, and others are. */
async function groupWithout(world: CitusWorld, table: string): Promise<number> {
  const [row] = await world.rows(`
    select groupid as "group" from pg_dist_node where groupid > 0 and groupid not in (
      select p.groupid from pg_dist_shard s join pg_dist_placement p using (shardid) where s.logicalrelid = '${table}'::regclass)
    order by 1 limit 1`)
  return Number(row?.['group'])
}

async function whileAway(
  world: CitusWorld,
  { events }: Scheduled,
  group: number,
  round: number,
  how: 'gone' | 'silent' = 'gone',
): Promise<void> {
  const { freshet } = world
  const [before] = await recorded(world)
  // on nodes that answer
  const reached = await world.rows(`
    select c from generate_series(0, 49) c join pg_dist_placement p on p.shardid = get_shard_id_for_distribution_column('orders', c)
    where p.groupid <> ${group} order by 1 limit 5`)
  expect(reached).toHaveLength(5)
  for (const { c } of reached) await world.run(`insert into orders values (${1000 + round}, ${Number(c)}, 1)`)
  await world.run(`insert into alone select i from generate_series(${round * 100 + 1}, ${round * 100 + 7}) i`)
  const others = async () => (await world.rows('select n::int from others'))[0]?.['n']
  const [expected] = await world.rows('select count(*)::int as n from alone')
  await vi.waitFor(async () => expect(await others()).toBe(expected?.['n']), PATIENCE)
  await vi.waitFor(
    () => expect(events).toContainEqual(expect.objectContaining({ kind: 'unreachable', alarming: true })),
    PATIENCE,
  )
  for (const event of events) expect(event).toMatchObject({ node: { group } })
  const orders = (await freshet.citusStatus()).filter(({ source }) => source === 'public.orders')
  expect(orders.every(({ waiting }) => waiting === null)).toBe(true)
  const own = orders.find((row) => row.group === group)
  expect(own).toMatchObject({ active: true, inOrder: true, lastError: { message: expect.any(String) as string } })
  expect(own?.failures).toBeGreaterThanOrEqual(3)
  expect(await freshet.doctor()).toContainEqual(
    expect.objectContaining({ level: 'error', subject: `node ${own?.node}` }),
  )
  // who asks for it all the same is told, and nothing of it stays; who gets no answer would wait for one
  if (how === 'gone')
    await expect(freshet.refresh('total')).rejects.toMatchObject({ name: 'FreshetError', retry: 'reconnect' })
  expect(await recorded(world)).toEqual([before])
}

/** What refreshes have left of what reads `orders`. */
function recorded(world: CitusWorld): Promise<Record<string, unknown>[]> {
  return world.rows(`
    select jsonb_agg(jsonb_build_array(t.table_name, s.status, s.version::text, s.frontier) order by t.table_name) as state,
      (select to_jsonb(total) from total) as row,
      (select count(*)::int from freshet.refresh_history h join freshet.stream_table o using (stream_table_id)
        where o.table_name in ('total', 'per_customer') and error is null) as done
    from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where t.table_name in ('total', 'per_customer')`)
}

/** Without anybody's doing. */
async function isBack(world: CitusWorld, { events }: Scheduled, group: number): Promise<void> {
  await vi.waitFor(
    () =>
      expect(events).toContainEqual(
        expect.objectContaining({ kind: 'reached', node: expect.objectContaining({ group }) as unknown }),
      ),
    PATIENCE,
  )
  await vi.waitFor(async () => {
    const [row] = await world.rows(
      'select (select (n, total)::text from total) as kept, (select (count(*), sum(amount))::text from orders) as asked',
    )
    expect(row?.['kept']).toBe(row?.['asked'])
  }, PATIENCE)
  await synced(world)
  await world.follow()
  const statuses = await world.freshet.status()
  expect(statuses.map(({ status }) => status)).toEqual(statuses.map(() => 'active'))
  const health = (await world.freshet.citusStatus()).filter((row) => row.group === group)
  expect(health.every(({ failures, failuresTotal }) => failures === 0 && failuresTotal >= 3)).toBe(true)
}

async function synced(world: CitusWorld): Promise<void> {
  const query = 'select bool_and(metadatasynced) as synced from pg_dist_node where groupid > 0'
  await vi.waitFor(async () => expect(await world.rows(query)).toEqual([{ synced: true }]), PATIENCE)
}
