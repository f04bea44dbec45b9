import { OUTPUT_KINDS } from '@freshet/client'
import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { BANK_TABLES, BANK_TOTAL, openBank, startBankWriters } from './bank.ts'
import { type CitusWorld, createCitusWorld, leftOnNodes } from './world.ts'

const TABLES = [
  'create table customers (id int primary key, region int not null)',
  'create table orders (id bigint, customer int, product int, amount numeric, primary key (customer, id))',
  'create table products (id int primary key, name text not null)',
  `select create_distributed_table('customers', 'id')`,
  `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
  `select create_reference_table('products')`,
  `insert into customers select i, i % 5 from generate_series(1, 40) i`,
  `insert into products select i, 'p' || i from generate_series(1, 10) i`,
  'insert into orders select i, 1 + i % 40, 1 + i % 10, i % 10 from generate_series(1, 400) i',
]

/** Refreshed on the workers, where its rows are distributed, and not. */
const PUSHED = 'select customer, count(*) as n, sum(amount) as total from orders group by customer'
const JOINED = `select c.id as customer, c.region, sum(o.amount) as total from customers c
  join orders o on o.customer = c.id group by c.id, c.region`
const COLLECTED = `select o.customer, p.name, count(*) as n from orders o join products p on p.id = o.product
  group by o.customer, p.name`

describe.skipIf(clusterUrls() === null)('on a cluster, another query', () => {
  test('takes the place of the first, wherever either is refreshed', { timeout: 180_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    const before = await leftOnNodes(world)
    for (const placement of LONG ? OUTPUT_KINDS : (['distributed'] as const)) {
      const distributed = placement === 'distributed'
      await world.stream('t', PUSHED, undefined, { placement })
      await world.stream('over', 'select customer, total from t where total > 30', undefined, { placement: 'local' })
      // in short: from the workers, and back to them
      for (const query of LONG || distributed
        ? [COLLECTED.replace('count(*)', 'sum(amount) as total, count(*)'), JOINED]
        : [JOINED]) {
        await world.run('update orders set amount = amount + 1 where id % 3 = 0')
        const altered = await world.alter('t', { query })
        const pushed = distributed && query === JOINED
        expect({ placement, pushed: altered.pushedDown }).toEqual({ placement, pushed })
        expect(altered.advisory?.code ?? null).toBe(pushed ? null : 'CITUS_XSHARD')
        expect(altered.lockedMs).toBeGreaterThanOrEqual(0)
        expect(await queues(world)).toBe(pushed ? 2 : 0)
        await world.run('update orders set amount = amount + 1 where id < 50', 'delete from customers where id = 7')
        expect(await world.follow()).toMatchObject({ t: 'differential' })
        await world.run('update orders set amount = amount + 1 where id > 300', `insert into customers values (7, 2)`)
        expect(await world.follow()).toMatchObject({ t: 'differential' })
      }
      expect(await world.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
      await world.drop('over')
      await world.drop('t')
      expect(await leftOnNodes(world)).toEqual(before)
    }
  })

  test(
    'another place and every other option as well; what was given to the table stays',
    { timeout: 180_000 },
    async () => {
      await using world = await createCitusWorld({ shards: 4 })
      await world.run(...TABLES)
      await world.stream('per_customer', PUSHED)
      await world.stream('t', PUSHED, undefined, { placement: 'local' })
      await world.run(
        'create index t_total on t (total)',
        'create view rich as select customer from t where total > 40',
        `comment on column t.total is 'of all orders'`,
      )
      const placed = async () =>
        (
          await world.rows(`select citus_table_type || coalesce(' by ' || nullif(distribution_column, '<none>'), '') as place
        from citus_tables where table_name = 't'::regclass`)
        )[0]?.['place'] ?? 'local'
      for (const [change, place] of [
        [{ placement: 'reference' }, 'reference'],
        [{ placement: 'distributed' }, 'distributed by customer'],
        [{ query: JOINED }, 'distributed by customer'],
        [{ distributionColumn: 'region' }, 'distributed by region'],
        [
          { query: 'select sum(total) as total, min(customer) as customer from per_customer', placement: 'reference' },
          'reference',
        ],
        [{ query: PUSHED, placement: 'local' }, 'local'],
      ] as const) {
        if (place === 'local') {
          // Citus has the view on all nodes, and keeps none there over a table that is not
          await expect(world.freshet.alter('t', change)).rejects.toMatchObject({ code: 'CITUS_UNSUPPORTED' })
          await world.follow()
          expect(await world.rows('select count(*)::int from rich')).toEqual(
            await world.rows('select count(*)::int from t where total > 40'),
          )
          await world.run('drop view rich')
        }
        await world.alter('t', change)
        expect({ change, place: await placed() }).toEqual({ change, place })
        await world.run('update orders set amount = amount + 1 where id < 50')
        await world.follow()
        await world.run('update orders set amount = amount + 1 where id > 350')
        await world.follow()
      }
      expect(
        await world.rows(`select
        col_description('t'::regclass, (select attnum from pg_attribute where attrelid = 't'::regclass and attname = 'total')) as comment,
        (select count(*)::int from pg_indexes where indexname = 't_total') as indexes`),
      ).toEqual([{ comment: 'of all orders', indexes: 1 }])
      await world.alter('t', {
        schedule: '1m',
        fuse: 100_000,
        sla: '5s',
        tier: 'warm',
        rename: 'u',
        placement: 'distributed',
      })
      // on the workers as long as it has deltas
      expect(await queues(world)).toBe(1)
      await world.alter('u', { mode: 'full' })
      expect(await queues(world)).toBe(0)
      await world.run('update orders set amount = amount + 1 where id < 90')
      expect(await world.follow()).toMatchObject({ u: 'full' })
      await world.alter('u', { mode: 'auto' })
      expect(await queues(world)).toBe(1)
      // so that nobody chooses
      await world.alter('u', { mode: 'differential' })
      expect(await queues(world)).toBe(1)
      await world.run('update orders set amount = amount + 1 where id < 70')
      expect(await world.follow()).toMatchObject({ u: 'differential' })
    },
  )

  test('is refused where it can not be, and nothing is changed', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    await world.stream('t', PUSHED, undefined, { placement: 'distributed' })
    await world.run('create view rich as select customer from t where total > 40')
    const before = await leftOnNodes(world)
    const outer =
      'select c.id as customer, 1 as n, o.amount as total from customers c left join orders o on o.customer = c.id'
    for (const [change, error] of [
      [
        { query: 'select sum(amount) as total, 1 as customer from orders' },
        { code: 'CITUS_UNSUPPORTED', hint: 'Let it be --placement reference or local.' },
      ],
      [{ distributionColumn: 'total' }, { code: 'CITUS_UNSUPPORTED', hint: 'Distribute it by customer.' }],
      [{ query: 'select customer, count(*) as n from orders group by customer' }, { code: 'HAS_DEPENDENTS' }],
      [
        { query: outer, mode: 'differential' },
        { code: 'NOT_DIFFERENTIABLE', detail: 'reason CITUS_LIMIT' },
      ],
      [{ query: JOINED, restMs: 100 }, { code: 'USAGE' }],
      [{ query: JOINED, mode: 'immediate' }, { code: 'NOT_IMMEDIATE' }],
      [{ cdc: 'wal' }, { code: 'WAL_NOT_AVAILABLE' }],
    ] as const) {
      const caught: unknown = await world.freshet.alter('t', change).catch((reason: unknown) => reason)
      expect({ change, caught }).toMatchObject({ change, caught: error })
      expect(await leftOnNodes(world)).toEqual(before)
      await world.run('update orders set amount = amount + 1 where id < 50')
      expect(await world.follow()).toEqual({ t: 'differential' })
    }
    const limited = await world.alter('t', {
      query: `select id as customer, total, n from (${outer}) o (id, n, total)`,
      mode: 'auto',
    })
    expect(limited.modeReason).toMatchObject({ code: 'CITUS_LIMIT' })
    await world.run('update orders set amount = amount + 1 where id < 50')
    expect(await world.follow()).toEqual({ t: 'full' })
  })

  test('comes while money moves', { timeout: LONG ? 600_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    await using world = await createCitusWorld({ shards: 4 })
    await openBank(world)
    const writers = await startBankWriters(world, random(seed), 3)
    const queries = [
      'select owner, sum(balance) as balance, count(*) as n, max(balance) as region from account group by owner',
      'select a.owner, o.region, sum(a.balance) as balance, count(*) as n from account a join owner o on o.id = a.owner group by a.owner, o.region',
    ]
    try {
      for (let round = 0; round < (LONG ? 20 : 1); round++) {
        await world.freshet.alter('by_owner', { query: queries[round % 2] ?? '' })
        await world.freshet.alter('total', { placement: round % 2 === 0 ? 'reference' : 'local' })
        for (let i = 0; i < 2; i++)
          for (const name of BANK_TABLES)
            expect({ ...(await world.freshet.verify(name)), seed, name }).toMatchObject({ seed, name, equal: true })
      }
    } finally {
      await writers.stop()
    }
    await world.freshet.alter('by_owner', { query: queries[1] ?? '' })
    await world.follow()
    expect(await world.rows('select total::int from total')).toEqual([{ total: BANK_TOTAL }])
    console.log({ seed, ...writers.counts })
  })
})

async function queues(world: CitusWorld): Promise<number> {
  return (await world.rows('select from freshet.shard_queue_reader')).length
}
