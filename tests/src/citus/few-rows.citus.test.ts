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

  test('of tables that are distributed by a value of any type', async () => {
    await using world = await createCitusWorld()
    const keys = {
      text: [`'a_1'`, `'Ünï"''x'`, `''`],
      uuid: ['gen_random_uuid()', 'gen_random_uuid()', 'gen_random_uuid()'],
      numeric: ['1.50', '-0.0', `'NaN'`],
      // what the text of these says depends on the session: the shard is looked for
      date: [`'2026-01-02'`, `'2026-03-04'`, `'infinity'`],
      timestamptz: [`'2026-01-02 03:04:05.678901+00'`, `'-infinity'`, `'2026-05-06 07:08:09+02'`],
      mood: [`'sad'`, `'glad'`, `'so, so'`],
    }
    await world.run(`create type mood as enum ('sad', 'so, so', 'glad')`)
    for (const type of Object.keys(keys)) {
      await world.run(
        `create table by_${type} (id int, key ${type}, amount int, primary key (key, id))`,
        `select create_distributed_table('by_${type}', 'key')`,
      )
      await world.stream(`seen_${type}`, `select id, key, amount from by_${type}`)
    }
    const writer = await world.writer(1)
    await writer.query(`set datestyle = 'SQL, DMY'; set timezone = 'Asia/Kolkata'`)
    const differential = Object.fromEntries(Object.keys(keys).map((type) => [`seen_${type}`, 'differential']))
    for (const i of [0, 1, 2]) {
      for (const [type, values] of Object.entries(keys)) {
        await writer.query(`insert into by_${type} values (${i}, ${values[i]}, 1)`)
        await writer.query(`update by_${type} set amount = 2 where id = ${i}`)
      }
      expect(await world.follow()).toEqual(differential)
    }
    for (const type of Object.keys(keys)) await writer.query(`delete from by_${type} where id = 1`)
    expect(await world.follow()).toEqual(differential)
    for (const type of Object.keys(keys))
      expect(await world.rows(`select id from seen_${type} order by 1`)).toEqual([{ id: 0 }, { id: 2 }])
  })

  test('of a table, and of a column by which it is distributed, that have another name now', async () => {
    await using world = await ordersWorld()
    await world.run('alter table orders rename to sales', 'insert into sales values (1000, 7, 3, 1)')
    await world.run(`update sales set amount = 2 where customer = 7 and id = 1000`)
    await world.run('alter table sales rename to orders')
    expect(await world.follow()).toEqual({ rows: 'differential' })
    await world.drop('rows')
    // no stream table reads the one column or the other, and the other has its name from now on
    await world.run('create table sales (id int, customer int, product int, amount int)')
    await world.run(`select create_distributed_table('sales', 'customer')`)
    await world.stream('amounts', 'select id, amount from sales')
    await world.run(
      'alter table sales rename column customer to buyer',
      'alter table sales rename column product to customer',
      'insert into sales values (1001, 11, 1, 1)',
      'insert into sales values (1002, 12, 2, 1)',
    )
    expect(await world.follow()).toEqual({ amounts: 'full' })
    await world.run('insert into sales values (1003, 13, 2, 1)', 'delete from sales where buyer = 11 and id = 1001')
    expect(await world.follow()).toEqual({ amounts: 'differential' })
  })

  test('name nothing that the writer could have put in their way', async () => {
    await using world = await ordersWorld()
    const writer = await world.writer(1)
    await world.run(
      'create schema evil',
      `create function evil.fail(text, text) returns text language plpgsql as $$ begin raise 'called'; end $$`,
      `create function evil.fail(integer, integer) returns boolean language plpgsql as $$ begin raise 'called'; end $$`,
      'create operator evil.|| (leftarg = text, rightarg = text, function = evil.fail)',
      'create operator evil.= (leftarg = integer, rightarg = integer, function = evil.fail)',
      'create operator evil.+ (leftarg = integer, rightarg = integer, function = evil.fail)',
      'create operator evil.> (leftarg = integer, rightarg = integer, function = evil.fail)',
      `create function evil.concat(text, text, text) returns text language plpgsql as $$ begin raise 'called'; end $$`,
    )
    await writer.query('set search_path = evil, pg_temp, pg_catalog, public')
    await writer.query('insert into orders values (1000, 7, 3, 1)')
    await writer.query('insert into orders values (1001, 7, 3, 1), (1002, 7, 3, 2)')
    await writer.query('update orders set amount = 5 where customer operator(pg_catalog.=) 7')
    await writer.query('delete from orders where id operator(pg_catalog.=) 1000 and customer operator(pg_catalog.=) 7')
    expect(await world.follow()).toEqual({ rows: 'differential' })
    const { rows } = await writer.query('show search_path')
    expect(rows).toEqual([{ search_path: 'evil, pg_temp, pg_catalog, public' }])
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
