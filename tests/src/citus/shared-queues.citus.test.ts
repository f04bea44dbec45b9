import { migrate, raw } from '@freshet/core'
import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { type CitusWorld, createCitusWorld } from './world.ts'

const TABLES = [
  'create table orders (id bigint, customer int, product int, amount int, primary key (customer, id))',
  `select create_distributed_table('orders', 'customer')`,
  'insert into orders select i, 1 + i % 40, 1 + i % 10, i % 10 from generate_series(1, 200) i',
]
const DISTRIBUTED = { placement: 'distributed' } as const

/** The first two read the same columns. */
const STREAMS = {
  totals: 'select customer, sum(amount) as total from orders group by customer',
  most: 'select customer, max(amount) as most, count(amount) as n from orders group by customer',
  products: 'select customer, count(*) as n, sum(product) as products from orders group by customer',
} as const
type Name = keyof typeof STREAMS

describe.skipIf(clusterUrls() === null)('queues on the workers', () => {
  test('are shared by those who read the same columns, each at its own pace', { timeout: 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    const draw = random(seed)
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    for (const [name, query] of Object.entries(STREAMS)) await world.stream(name, query, undefined, DISTRIBUTED)
    expect(await readersOf(world)).toEqual([['totals', 'most'], ['products']])
    let id = 1000
    const operations: Record<string, () => Promise<unknown>> = {
      insert: () =>
        world.run(`insert into orders select i, 1 + i % 40, 1, i % 7 from generate_series(${id + 1}, ${(id += 9)}) i`),
      update: () => world.run(`update orders set amount = amount + 1 where id % 17 = ${draw.int(0, 16)}`),
      delete: () => world.run(`delete from orders where id % 61 = ${draw.int(0, 60)}`),
      truncate: () => (draw.chance(0.2) ? world.run('truncate orders') : Promise.resolve()),
      full: () => world.freshet.refresh(pick(), { full: true }),
      again: async () => {
        const name = pick()
        await world.drop(name)
        await world.stream(name, STREAMS[name], undefined, DISTRIBUTED)
      },
    }
    const pick = () => draw.pick(Object.keys(STREAMS) as Name[])
    const kinds = Object.keys(operations)
    for (let step = 0; step < (LONG ? 600 : 20); step++) {
      await operations[draw.pick(kinds)]?.()
      const name = pick()
      await world.freshet.refresh(name)
      const { equal } = await world.freshet.verify(name)
      expect({ seed, step, name, equal }).toEqual({ seed, step, name, equal: true })
    }
    await world.follow()
    await world.run('insert into orders select -i, i, 1, 1 from generate_series(1, 40) i')
    expect(Object.values(await world.follow())).toEqual(['differential', 'differential', 'differential'])
    expect(await queuedRows(world)).toEqual([0, 0])
    await world.drop('totals')
    expect((await readersOf(world)).flat().toSorted()).toEqual(['most', 'products'])
    await world.drop('most')
    expect(await queuedRows(world)).toEqual([0])
  })

  test('keep what the slowest has not had, and no more', { timeout: 60_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    await world.stream('totals', STREAMS.totals, undefined, DISTRIBUTED)
    await world.stream('most', STREAMS.most, undefined, DISTRIBUTED)
    const steps: [Name, number][] = [
      ['totals', 200],
      ['totals', 400],
      ['most', 0],
      ['totals', 0],
      ['most', 200],
      ['totals', 0],
    ]
    for (const [i, [name, left]] of steps.entries()) {
      if (i !== 2 && i !== 3 && i !== 5)
        await world.run('update orders set product = product, amount = amount + 1 where id <= 100')
      await world.freshet.refresh(name)
      expect([i, ...(await queuedRows(world))]).toEqual([i, left])
    }
    await world.follow()
  })

  test('hold nothing that an older catalog would read again', { timeout: 60_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    await world.stream('totals', STREAMS.totals, undefined, DISTRIBUTED)
    const [queue] = await queuesOf(world)
    await world.run(
      `insert into ${queue} (customer, amount, __w, __c) select i, 1, 1, 1000000 from generate_series(1, 40) i`,
    )
    await world.freshet.refresh('totals', { full: true })
    expect(await queuedRows(world)).toEqual([0])
    // also where another reader has had less
    await world.stream('most', STREAMS.most, undefined, DISTRIBUTED)
    await world.run('update orders set amount = amount + 1')
    await world.freshet.refresh('totals')
    await world.run(
      `insert into ${queue} (customer, amount, __w, __c) select i, 1, 1, 1000000 from generate_series(1, 40) i`,
    )
    await world.freshet.refresh('totals', { full: true })
    expect(await queuedRows(world)).toEqual([400])
    await world.run('update orders set amount = amount + 1')
    expect(await world.follow()).toEqual({ totals: 'differential', most: 'differential' })
  })

  test('go on from those that were not shared', { timeout: 60_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    await world.stream('totals', STREAMS.totals, undefined, DISTRIBUTED)
    await world.stream('products', STREAMS.products, undefined, DISTRIBUTED)
    // collected for one of them, so that changes wait in the queue of the other
    await world.run('update orders set amount = amount + 1, product = product + 1 where id % 3 = 0')
    await world.freshet.refresh('products')
    await world.run(...NOT_SHARED)
    expect(await migrate(world.own.database)).toMatchObject({ applied: ['000025'] })
    expect(await readersOf(world)).toEqual([['totals'], ['products']])
    expect(await world.follow()).toEqual({ totals: 'differential', products: 'none' })
    await world.stream('most', STREAMS.most, undefined, DISTRIBUTED)
    expect(await readersOf(world)).toEqual([['totals', 'most'], ['products']])
    await world.run('update orders set amount = amount + 1, product = product + 1 where id % 4 = 0')
    expect(await world.follow()).toEqual({ totals: 'differential', products: 'differential', most: 'differential' })
  })
})

/** The catalog and the queues as version 24 had them. */
const NOT_SHARED = [
  'alter table freshet.shard_queue add column stream_table_id int',
  `update freshet.shard_queue q set stream_table_id = r.stream_table_id from freshet.shard_queue_reader r
    where r.queue_id = q.queue_id`,
  `do $$ declare q record; begin
    for q in select * from freshet.shard_queue loop
      perform set_config('citus.multi_shard_modify_mode', 'sequential', true);
      execute format('alter table freshet_changes.%I drop column __c', 'queue_' || q.stable_name || '_' || q.queue_id);
      execute format('alter table freshet_changes.%I rename to %I', 'queue_' || q.stable_name || '_' || q.queue_id,
        format('queue_%s_%s', q.stream_table_id, q.stable_name));
    end loop;
  end $$`,
  'drop table freshet.shard_queue_reader',
  'alter table freshet.shard_queue drop column queue_id',
  'alter table freshet.shard_queue add primary key (stream_table_id, stable_name)',
  'drop sequence freshet.collection_number',
  `delete from freshet.migration where name = '000025'`,
]

/** Of each queue, in the order in which they were made. */
async function readersOf(world: CitusWorld): Promise<readonly (readonly string[])[]> {
  const queues = await world.own.database.query<{ readers: string[] }>(
    raw(`select array_agg(t.table_name order by t.stream_table_id) as readers
      from freshet.shard_queue_reader r join freshet.stream_table t using (stream_table_id) group by queue_id order by queue_id`),
  )
  return queues.map(({ readers }) => readers)
}

async function queuesOf(world: CitusWorld): Promise<readonly string[]> {
  const queues = await world.own.database.query<{ name: string }>(
    raw(`select format('freshet_changes.%I', 'queue_' || stable_name || '_' || queue_id) as name
      from freshet.shard_queue order by queue_id`),
  )
  return queues.map(({ name }) => name)
}

async function queuedRows(world: CitusWorld): Promise<readonly number[]> {
  const counts: number[] = []
  for (const queue of await queuesOf(world)) {
    const [row] = await world.own.database.query<{ rows: number }>(raw(`select count(*)::int as rows from ${queue}`))
    counts.push(row?.rows ?? Number.NaN)
  }
  return counts
}
