import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { type CitusWorld, createCitusWorld } from './world.ts'

/** The trigger of a shard writes one row in another way than many, and none not at all. */
describe.skipIf(clusterUrls() === null)('statements of no row, of one and of two', () => {
  test('are captured, and what stays as it was is not', async () => {
    await using world = await ordersWorld()
    const worker = await world.writer(1)
    const [same, differential] = [{ rows: 'none' }, { rows: 'differential' }]
    await worker.query('delete from orders where customer = 7 and id = -1')
    await worker.query('update orders set amount = amount where customer = 7 and id = 6')
    expect(await world.follow()).toEqual(same)
    for (const statement of [
      'insert into orders values (1000, 7, 3, null)',
      'update orders set amount = 5 where customer = 7 and id = 1000',
      'insert into orders values (1001, 7, 3, 1), (1002, 7, 3, 2)',
      'update orders set amount = amount + 1 where customer = 7 and id > 1000',
      'delete from orders where customer = 7 and id = 1000',
      'delete from orders where customer = 7 and id > 1000',
    ]) {
      await worker.query(statement)
      expect({ statement, ...(await world.follow()) }).toEqual({ statement, ...differential })
    }
    await worker.query('update orders set amount = amount where customer = 7')
    expect(await world.follow()).toEqual(same)
  })

  test('are counted, of a table of which nothing else is read', async () => {
    await using world = await createCitusWorld()
    await world.run(
      'create table events (id int)',
      `select create_distributed_table('events', null)`,
      'create table visits (id int)',
      `select create_distributed_table('visits', 'id')`,
    )
    await world.stream('events_counted', 'select count(*) as n from events')
    await world.stream('visits_counted', 'select count(*) as n from visits')
    for (const table of ['events', 'visits'])
      await world.run(
        `insert into ${table} values (1)`,
        `insert into ${table} values (2), (2), (3)`,
        `update ${table} set id = id where id = 1`,
        `delete from ${table} where id = 2`,
      )
    expect(await world.follow()).toEqual({ events_counted: 'differential', visits_counted: 'differential' })
  })

  test('go beside their shard when two columns, one of them the distribution column, exchange their names', async () => {
    await using world = await ordersWorld()
    await world.run(
      'alter table orders rename column customer to buyer',
      'alter table orders rename column product to customer',
      'alter table orders rename column buyer to product',
      'insert into orders values (2000, 11, 1, 1)',
      'insert into orders values (2001, 12, 2, 1), (2002, 12, 3, 1)',
      'delete from orders where product = 11 and id = 2000',
    )
    expect(await misplaced(world)).toEqual({ captured: 4, misplaced: 0 })
  })
})

async function ordersWorld(): Promise<CitusWorld> {
  const world = await createCitusWorld()
  await world.run(
    'create table orders (id bigint, customer int, product int, amount numeric, primary key (customer, id))',
    `select create_distributed_table('orders', 'customer')`,
    'insert into orders select i, 1 + i % 20, 1 + i % 5, i % 10 from generate_series(1, 200) i',
  )
  await world.stream('rows', 'select id, customer, product, amount from orders')
  return world
}

/** Change rows on the shards, and those whose distribution column belongs to another shard. */
async function misplaced(world: CitusWorld): Promise<{ captured: number; misplaced: number }> {
  const [source] = await world.rows(
    `select stable_name as name from freshet.source where relation = 'orders'::regclass`,
  )
  const buffer = `freshet_changes.shards_${String(source?.['name'])}`
  const [row] = await world.rows(`
    select count(*)::int as captured,
      (count(*) filter (where shardid <> get_shard_id_for_distribution_column('${buffer}', k)))::int as misplaced
    from (
      select shardid, unnest(result::int[]) as k
      from run_command_on_shards('${buffer}', 'select coalesce(array_agg(__k), ''{}'') from %s')
    ) as found`)
  return { captured: Number(row?.['captured']), misplaced: Number(row?.['misplaced']) }
}
