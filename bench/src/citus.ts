import { createFreshet } from '@freshet/client'
import { type ClusterDatabase, countingLink, createClusterDatabase, findCitus, startCluster } from '@freshet/testkit'
import type pg from 'pg'
import { type CitusBench, CLIENTS, createOrders, insertOrders, single } from './citus-orders.ts'
import { ways } from './citus-ways.ts'
import { measurement, median, milliseconds } from './measurement.ts'

/**
 * On a Citus cluster of this machine: a coordinator and three workers, durable in nothing, so that ratios are those of work
 * and not of disks, and with memory as one would give them.
 *
 *   capture     statements on two equal distributed tables, one of them captured; ratio: time with capture ÷ without
 *               (single rows: time for a statement)
 *   ways        how changes can come from the shards: by triggers and a collector, or by slots on the workers, polled and
 *               streamed (CITUS-BENCH); ratio: a writer's time ÷ the same without
 *   refresh     0.1 % and 1 % of the rows are updated; ratio: a full refresh ÷ the refresh by deltas, on the workers
 *               and by way of the coordinator
 *   shards      a refresh on the workers, by the number of shards and of workers
 *   bytes       between coordinator and workers, of a refresh of 1 %; ratio: by way of the coordinator ÷ on the workers
 */
const BULK_ROWS = 50_000
const ROUNDS = 5
const SHARDS = 12
const MEMORY = { shared_buffers: '1GB', max_wal_size: '8GB', work_mem: '64MB', maintenance_work_mem: '256MB' }

export async function citus(bench: CitusBench): Promise<void> {
  const binaries = await findCitus()
  if (binaries === null) throw new Error('this machine has no PostgreSQL with Citus: see CONTRIBUTING.md')
  {
    await using cluster = await startCluster(binaries, 3, MEMORY)
    await using own = await createClusterDatabase({ cluster, shards: SHARDS })
    await capture(bench, own)
    await refresh(bench, own)
  }
  {
    await using cluster = await startCluster(binaries, 3, MEMORY)
    await using own = await createClusterDatabase({ cluster, shards: SHARDS })
    await ways(bench, own)
  }
  for (const workers of [1, 2, 3]) {
    await using cluster = await startCluster(binaries, workers, MEMORY)
    for (const shards of [4, 16, 64]) {
      await using own = await createClusterDatabase({ cluster, shards })
      await byShards(bench, own, workers, shards)
    }
  }
}

const SIDES = { plain: 'orders_plain', captured: 'orders_captured' } as const

async function capture({ report, say }: CitusBench, own: ClusterDatabase): Promise<void> {
  const client = await own.client()
  for (const table of Object.values(SIDES)) await createOrders(client, table, 100_000)
  const freshet = createFreshet(own.database, { databaseUrl: own.url })
  const query = `select product, sum(amount) as amount from ${SIDES.captured} group by product`
  await freshet.create({ name: 'captured', query, mode: 'differential', schedule: 'manual' })
  const figures = new Map<string, { plain: number[]; captured: number[] }>()
  const note = (name: string, side: keyof typeof SIDES, value: number) => {
    const known = figures.get(name) ?? { plain: [], captured: [] }
    known[side].push(value)
    figures.set(name, known)
  }
  for (let round = 0; round < ROUNDS; round++) {
    say(`capture, round ${round + 1} of ${ROUNDS}`)
    const first = 1_000_000 * (round + 1)
    for (const side of ['plain', 'captured'] as const) {
      const table = SIDES[side]
      const range = `id between ${first} and ${first + BULK_ROWS}`
      note('bulk insert', side, await milliseconds(() => insertOrders(client, table, first, BULK_ROWS)))
      note(
        'bulk update',
        side,
        await milliseconds(() => client.query(`update ${table} set amount = amount + 1 where ${range}`)),
      )
      note('bulk delete', side, await milliseconds(() => client.query(`delete from ${table} where ${range}`)))
      note('single insert', side, await single(own, table, first + 500_000))
    }
    await freshet.refresh('captured')
  }
  for (const [name, { plain, captured }] of figures) {
    const [value, baseline] = [Math.min(...captured), Math.min(...plain)]
    const metric = name === 'single insert' ? `a statement, ${CLIENTS} clients` : `${BULK_ROWS} rows`
    report(measurement({ suite: 'citus', case: name, metric, value, unit: 'ms', baseline, ratio: value / baseline }))
  }
  await freshet.drop('captured')
  for (const table of Object.values(SIDES)) await client.query(`drop table ${table}`)
}

const QUERY = 'select customer, count(*) as n, sum(amount) as amount from orders group by customer'

async function refresh({ rows, report, say }: CitusBench, own: ClusterDatabase): Promise<void> {
  say(`filling ${rows} rows`)
  const client = await own.client()
  await createOrders(client, 'orders', rows)
  const freshet = createFreshet(own.database, { databaseUrl: own.url })
  const ways = { 'on the workers': 'distributed', 'by the coordinator': 'local' } as const
  const links = await Promise.all(own.workerUrls.map((url) => countingLink(url)))
  await reach(client, (i) => links[i]?.url ?? '')
  const bytes = () => links.reduce((sum, link) => sum + link.bytes(), 0)
  const carried = new Map<string, number>()
  for (const [way, placement] of Object.entries(ways)) {
    const before = bytes()
    await freshet.create({ name: 'totals', query: QUERY, mode: 'differential', schedule: 'manual', placement })
    say(`${way}: the fill carried ${bytes() - before} bytes`)
    const full = await milliseconds(() => freshet.refresh('totals', { full: true }))
    for (const percent of [0.1, 1]) {
      const times: number[] = []
      for (let round = 0; round < ROUNDS; round++) {
        // of every hundredth or thousandth customer all rows
        await client.query(
          `update orders set amount = amount + 1 where customer % ${Math.round(100 / percent)} = ${round}`,
        )
        const start = bytes()
        times.push(await milliseconds(() => freshet.refresh('totals')))
        if (percent === 1) carried.set(way, bytes() - start)
      }
      const value = median(times)
      const name = `refresh@${percent}%`
      report(
        measurement({
          suite: 'citus',
          case: name,
          metric: way,
          value,
          unit: 'ms',
          baseline: full,
          ratio: full / value,
        }),
      )
    }
    const { equal } = await freshet.verify('totals')
    if (!equal) throw new Error(`totals is not what its query says, refreshed ${way}`)
    await freshet.drop('totals')
  }
  const [pushed = 0, collected = 0] = Object.keys(ways).map((way) => carried.get(way) ?? 0)
  const figure = { suite: 'citus', case: 'bytes@1%', metric: 'on the workers', unit: 'bytes' }
  report(measurement({ ...figure, value: pushed, baseline: collected, ratio: collected / pushed }))
  await reach(client, (i) => own.workerUrls[i] ?? '')
  for (const link of links) link.cut()
  await Promise.all(links.map((link) => link[Symbol.asyncDispose]()))
}

/** Citus is told of another port for each worker. */
async function reach(client: pg.Client, urlOf: (worker: number) => string): Promise<void> {
  const { rows } = await client.query<{ id: number }>(
    'select nodeid as id from pg_dist_node where groupid > 0 order by nodeid',
  )
  for (const [i, { id }] of rows.entries())
    await client.query(`select citus_update_node($1, '127.0.0.1', $2)`, [id, Number(new URL(urlOf(i)).port)])
  for (;;) {
    const { rows: behind } = await client.query('select from pg_dist_node where not metadatasynced')
    if (behind.length === 0) return
    await client.query('select pg_sleep(0.2)')
  }
}

async function byShards(
  { rows, report, say }: CitusBench,
  own: ClusterDatabase,
  workers: number,
  shards: number,
): Promise<void> {
  say(`${shards} shards on ${workers} workers`)
  const client = await own.client()
  await createOrders(client, 'orders', Math.min(rows, 100_000))
  const freshet = createFreshet(own.database, { databaseUrl: own.url })
  await freshet.create({
    name: 'totals',
    query: QUERY,
    mode: 'differential',
    schedule: 'manual',
    placement: 'distributed',
  })
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    await client.query(`update orders set amount = amount + 1 where customer % 100 = ${round}`)
    times.push(await milliseconds(() => freshet.refresh('totals')))
  }
  const metric = `${workers} worker${workers === 1 ? '' : 's'}`
  report(measurement({ suite: 'citus', case: `${shards} shards`, metric, value: median(times), unit: 'ms' }))
}
