import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { assertEqualToQuery, clusterUrls, findCitus } from '@freshet/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type CitusWorld, createCitusWorld } from './world.ts'

const TABLES = [
  'create table customers (id int primary key, region int not null)',
  `create table orders (id bigint, customer int, day int, amount numeric, primary key (customer, id, day))
    partition by range (day)`,
  'create table orders_1 partition of orders for values from (0) to (10)',
  'create table orders_2 partition of orders for values from (10) to (20)',
  'create table regions (id int primary key, name text not null)',
]

/** What a dump of the coordinator does not bring. */
const PLACED = [
  `select create_distributed_table('customers', 'id')`,
  `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
  `select create_reference_table('regions')`,
]

const ROWS = [
  'insert into customers select i, i % 5 from generate_series(1, 40) i',
  `insert into regions select i, 'r' || i from generate_series(0, 4) i`,
  'insert into orders select i, 1 + i % 40, i % 20, i % 10 from generate_series(1, 400) i',
]

const STREAMS = {
  per_customer: 'select customer, count(*) as n, sum(amount) as total from orders group by customer',
  best_day: `select customer, max(total) as most from (
    select customer, day, sum(amount) as total from orders group by customer, day) d group by customer`,
  by_region: `select r.name, sum(o.amount) as total from orders o join customers c on c.id = o.customer
    join regions r on r.id = c.region group by r.name`,
  large: 'select name, total from by_region where total > 300',
} as const

/** As docs/backup.md tells people to do it, with the programs of the cluster's server. */
describe.skipIf(clusterUrls() === null)('a cluster that is restored from a dump of its coordinator', () => {
  test('has its stream tables again, placed as they were', { timeout: 180_000 }, async () => {
    const binaries = await findCitus()
    if (binaries === null) {
      process.stderr.write('NOT TESTED: a dump of a cluster; the programs of its server are not on this machine\n')
      return
    }
    const run = (program: string, ...args: string[]) => promisify(execFile)(join(binaries, program), args)
    const folder = await mkdtemp(join(tmpdir(), 'freshet-dump-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const [archive, list] = [join(folder, 'shop.dump'), join(folder, 'shop.list')]

    await using here = await createCitusWorld({ shards: 4 })
    await here.run(...TABLES, ...PLACED, ...ROWS)
    await here.stream('per_customer', STREAMS.per_customer, undefined, { placement: 'distributed' })
    await here.stream('best_day', STREAMS.best_day, undefined, { placement: 'distributed' })
    await here.stream('by_region', STREAMS.by_region, undefined, { placement: 'reference' })
    await here.stream('large', STREAMS.large, undefined, { placement: 'local' })
    // not applied yet
    await here.run('update orders set amount = amount + 1 where id % 3 = 0')
    const document = await here.freshet.dump()
    const without = document.streamTables.map(({ schema, table }) => `--exclude-table=${schema}.${table}`)
    await run('pg_dump', '--format=custom', '--exclude-schema=freshet*', ...without, `--file=${archive}`, here.own.url)

    await using there = await createCitusWorld({ shards: 4 })
    const { stdout } = await run('pg_restore', '--list', archive)
    // the triggers of Freshet, on its functions; and Citus has to be there before
    await writeFile(list, stdout.replaceAll(/^.*(?:freshet|EXTENSION).*\n/gm, ''))
    await run('pg_restore', '--no-owner', '--exit-on-error', `--use-list=${list}`, `--dbname=${there.own.url}`, archive)
    await there.run(...PLACED)
    expect(await readFile(list, 'utf8')).toContain('TABLE DATA public customers')
    expect(await rowsOf(there)).toEqual(await rowsOf(here))

    // written to before anybody looks
    await there.run('delete from orders where id % 7 = 0')
    const { failed } = await there.freshet.restore(document)
    expect(failed).toEqual([])
    const equal = async () => {
      for (const [name, query] of Object.entries(STREAMS)) {
        await assertEqualToQuery(there.own.database, name, query)
        expect(await there.freshet.verify(name)).toMatchObject({ equal: true })
      }
    }
    await equal()
    expect(await placesOf(there)).toEqual(await placesOf(here))
    await there.run('update orders set amount = amount + 1 where id % 5 = 0', 'delete from customers where id = 3')
    for (const name of Object.keys(STREAMS))
      expect({ name, ...(await there.freshet.refresh(name)) }).toMatchObject({
        name,
        action: expect.stringMatching(/none|differential/) as string,
      })
    await equal()
    expect(await there.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
  })
})

function rowsOf(world: CitusWorld) {
  return world.rows(`select (select count(*)::int from orders) as orders, (select sum(amount)::int from orders) as amount,
    (select count(*)::int from customers) as customers, (select count(*)::int from regions) as regions`)
}

function placesOf(world: CitusWorld) {
  return world.rows(`select t.table_name as name, t.plan -> 'output' ->> 'kind' as kind, t.plan -> 'output' ->> 'column' as column,
    (select count(*)::int from freshet.shard_queue_reader q where q.stream_table_id = t.stream_table_id) as queues,
    (select count(*)::int from citus_tables where table_name::text like '%stage_' || t.stable_name || '%') as stages
    from freshet.stream_table t order by 1`)
}
