import { raw } from '@freshet/core'
import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { TABLES } from './tables.ts'
import { type CitusWorld, createCitusWorld, leftOnNodes } from './world.ts'

/** Last stages and keys of each kind: groups, a bag, partitions, rows with a key, one row; over one table and over several. */
const EVERYDAY = {
  by_customer:
    'select customer, count(*) as n, sum(amount) as total, max(amount) as most from orders group by customer',
  amounts: 'select amount from orders where product < 9',
  ranked: 'select customer, id, row_number() over (partition by customer order by amount, id) as place from orders',
  by_region: `select r.name, sum(o.amount) as total from orders o join customers c on c.id = o.customer
    join regions r on r.id = c.region group by r.name`,
}
const QUERIES = {
  ...EVERYDAY,
  large: 'select id, customer, amount from orders where amount > 5',
  named: 'select id, upper(name) as name from products',
  by_product: 'select p.name, count(*) as n from orders o join products p on p.id = o.product group by p.name',
  of_regions: 'select id, name from regions where id > 0',
}

const CHANGES = [
  [
    'update orders set amount = amount + 1 where id % 3 = 0',
    `insert into regions values (5, 'r5')`,
    'update customers set region = 5 where id < 9',
  ],
  ['delete from orders where id % 4 = 0', 'delete from products where id = 3', 'delete from regions where id = 2'],
  [
    'insert into orders select i, 1 + i % 40, 1 + i % 10, i % 10 from generate_series(401, 450) i',
    `update products set name = name || '!' where id < 4`,
  ],
]

const PLACEMENTS = ['local', 'reference', 'distributed'] as const

describe.skipIf(clusterUrls() === null)('stream tables that are placed', () => {
  test.each(LONG ? PLACEMENTS : PLACEMENTS.slice(1))(
    '%s, over sources of every placement',
    { timeout: 300_000 },
    async (placement) => {
      await using world = await createCitusWorld({ shards: 4 })
      await world.run(...TABLES)
      const before = await leftOnNodes(world)
      const queries = LONG ? QUERIES : EVERYDAY
      for (const [name, query] of Object.entries(queries)) await world.stream(name, query, undefined, { placement })
      // one that reads another
      await world.stream('more', 'select customer, total from by_customer where n > 9', undefined, { placement })
      expect(await placementOf(world, 'by_customer')).toBe(placement)
      for (const change of LONG ? CHANGES : CHANGES.slice(0, 2)) {
        await world.run(...change)
        await world.follow()
      }
      expect(await world.rows(`select count(*)::int as n from freshet.refresh_history where action = 'full'`)).toEqual([
        { n: 0 },
      ])
      await world.run('truncate orders', 'insert into orders values (1, 1, 1, 1), (2, 1, 1, 1)')
      await world.follow()
      expect(await world.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
      for (const name of ['more', ...Object.keys(queries)]) await world.drop(name)
      expect(await leftOnNodes(world)).toEqual(before)
    },
  )

  test('are altered, follow a schema change, and are written to by nobody else', async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    const query = 'select id, customer, amount from orders where amount > 5'
    await world.stream('rows', query, undefined, { distributionColumn: 'customer' })
    expect(
      await world.rows(`select distribution_column as c from citus_tables where table_name = 'rows'::regclass`),
    ).toEqual([{ c: 'customer' }])
    for (const url of [world.own.url, world.own.workerUrls[0]]) {
      const other = await world.own.client(url)
      await expect(other.query('delete from rows')).rejects.toMatchObject({ code: 'FR001' })
      await expect(other.query('truncate rows')).rejects.toMatchObject({ code: 'FR001' })
    }
    // its key goes, and its storage with it
    await world.run('alter table orders drop constraint orders_pkey')
    await world.follow()
    await world.run('alter table orders add column note text', `insert into orders values (900, 3, 1, 9, 'new')`)
    await world.follow()
    await world.freshet.alter('rows', { rename: 'large_rows', mode: 'full' })
    await world.run('update orders set amount = amount + 1')
    expect(await world.freshet.refresh('large_rows')).toMatchObject({ action: 'full' })
    expect(await world.freshet.verify('large_rows')).toMatchObject({ equal: true })
    const [dumped] = (await world.freshet.dump()).streamTables
    expect(dumped?.output).toMatchObject({ kind: 'distributed' })
  })

  test('are local, reference or distributed by themselves; what can not be is refused', async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(
      ...TABLES,
      'create table many (id int, v int, primary key (id))',
      `select create_distributed_table('many', 'id')`,
      'insert into many select i, i % 7 from generate_series(1, 120000) i',
      'analyze many',
    )
    for (const [name, chosen, query] of [
      ['few', 'reference', 'select id, amount from orders'],
      ['here', 'local', 'select id, name from regions'],
      ['named', 'local', 'select id, name from products'],
      ['groups', 'distributed', 'select v, count(*) as n from many group by v'],
      ['one', 'reference', 'select count(*) as n from many'],
    ] as const) {
      await world.stream(name, query, undefined, {})
      expect({ name, placed: await placementOf(world, name) }).toEqual({ name, placed: chosen })
    }
    await world.run('update many set v = v + 1 where id < 100')
    await world.follow()
    const refused = (spec: object) =>
      world.freshet.create({ name: 'x', query: 'select count(*) as n from many', schedule: 'manual', ...spec })
    await expect(refused({ placement: 'distributed' })).rejects.toMatchObject({ code: 'CITUS_UNSUPPORTED' })
    await expect(refused({ query: 'select id, v from many', distributionColumn: 'v' })).rejects.toMatchObject({
      code: 'CITUS_UNSUPPORTED',
      hint: 'Distribute it by id.',
    })
    await expect(refused({ placement: 'local', distributionColumn: 'n' })).rejects.toMatchObject({ code: 'USAGE' })
    await expect(refused({ placement: 'reference', mode: 'immediate' })).rejects.toMatchObject({
      code: 'NOT_IMMEDIATE',
    })
    expect(await world.rows(`select to_regclass('x') as x`)).toEqual([{ x: null }])
  })

  test('are read by subscribers, from the table and then by deltas', async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    await world.stream('by_customer', EVERYDAY.by_customer, undefined, { placement: 'distributed' })
    const feed = await world.freshet.subscribe<{ customer: number }>('by_customer')
    const copy = new Map<string, number>()
    const take = async () => {
      const page = await feed.next()
      if (page.done === true) throw new Error('the feed has ended')
      for (const { id, weight } of page.value.changes) copy.set(id, (copy.get(id) ?? 0) + weight)
      return [...copy.values()].filter((weight) => weight !== 0)
    }
    expect(await take()).toEqual(Array.from({ length: 40 }, () => 1))
    await world.run('update orders set amount = amount + 1 where customer < 5', 'delete from orders where customer = 7')
    await world.follow()
    expect(await take()).toEqual(Array.from({ length: 39 }, () => 1))
    await feed.close()
  })
})

async function placementOf(world: CitusWorld, name: string): Promise<string> {
  const [row] = await world.own.database.query<{ kind: string }>(
    raw(
      `select coalesce((select citus_table_type from citus_tables where table_name = '${name}'::regclass), 'local') as kind`,
    ),
  )
  return row?.kind ?? ''
}
