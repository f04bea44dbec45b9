import { connect } from '@freshet/client'
import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { type CitusWorld, createCitusWorld } from './world.ts'

/** On the coordinator a distributed table is an empty shell, and of what lies on other nodes nothing is there. */
describe.skipIf(clusterUrls() === null)('sizes', () => {
  test('of distributed stream tables and of what waits on the workers are those of the shards', async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(
      'create table orders (id int, customer int, day int, amount int, primary key (customer, id))',
      `select create_distributed_table('orders', 'customer')`,
      'insert into orders select i, i, i % 7, i % 10 from generate_series(1, 3000) i',
      'create table notes (id int primary key)',
    )
    await world.stream('customers', 'select customer, sum(amount) as total from orders group by customer', undefined, {
      placement: 'distributed',
    })
    await world.stream('copies', 'select customer, day, amount from orders where amount > 4', undefined, {
      placement: 'reference',
    })
    await world.stream('days', 'select day, sum(amount) as total from orders group by day')
    await world.stream('noted', 'select count(*) as n from notes')
    await world.run('analyze customers', 'analyze copies')

    expect(await figures(world)).toMatchObject({
      customers: { rows: 3000, pending: 0 },
      copies: { rows: 1500, pending: 0 },
      days: { pending: 0 },
      noted: { pending: 0 },
    })
    // nobody has collected them
    await world.run(
      'insert into orders select i, i, i % 7, 1 from generate_series(10001, 10100) i',
      'insert into notes values (1)',
    )
    expect(await figures(world)).toMatchObject({
      customers: { pending: 100 },
      copies: { pending: 100 },
      days: { pending: 100 },
      noted: { pending: 1 },
    })
    // those of one are in queues and in the log now, and still wait for the others
    await world.freshet.refresh('days')
    expect(await figures(world)).toMatchObject({
      customers: { pending: 100 },
      copies: { pending: 100 },
      days: { pending: 0 },
    })
    await world.run('insert into orders select i, i, i % 7, 1 from generate_series(20001, 20010) i')
    expect(await figures(world)).toMatchObject({ customers: { pending: 110 }, days: { pending: 10 } })
    await world.follow()
    expect(await figures(world)).toMatchObject({
      customers: { pending: 0 },
      copies: { pending: 0 },
      days: { pending: 0 },
    })

    const { stages } = await world.freshet.explain({ name: 'customers' })
    expect(stages).toHaveLength(1)
    expect(stages[0]?.rows).toBe(3000)
    const [sizes] = await world.rows(`select citus_total_relation_size('customers')::float8 as bytes`)
    expect(stages[0]?.bytes).toBe(sizes?.['bytes'])
  })

  test('tell of an index that a large table on the workers lacks', async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(
      'create table orders (id int, customer int, kind int, filler text)',
      'create table customers (id int, kind int)',
      `select create_distributed_table('orders', 'customer')`,
      `select create_distributed_table('customers', 'id', colocate_with => 'orders')`,
      `insert into orders select i, i % 100, i % 5, repeat('x', 200) from generate_series(1, 20000) i`,
      'insert into customers select i, i % 5 from generate_series(0, 99) i',
    )
    await world.stream('joined', 'select o.id, c.kind from orders o join customers c on c.id = o.customer')
    const { missingIndexes } = await world.freshet.explain({ name: 'joined' })
    expect(JSON.stringify(missingIndexes)).toContain('orders')
    expect(await world.freshet.doctor()).toContainEqual(
      expect.objectContaining({ message: expect.stringContaining('index') as string }),
    )
  })
})

/** As one sees them who looks for the first time: what was seen lasts for a moment. */
async function figures(world: CitusWorld): Promise<Record<string, { rows: number; pending: number }>> {
  const freshet = await connect(world.own.url)
  try {
    const status = await freshet.status()
    return Object.fromEntries(
      status.map(({ table, estimatedRows, pendingChanges }) => [
        table,
        { rows: estimatedRows, pending: pendingChanges },
      ]),
    )
  } finally {
    await freshet.close()
  }
}
