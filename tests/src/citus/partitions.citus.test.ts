import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { cleaned } from './node-operations.ts'
import { type CitusWorld, createCitusWorld, leftOnNodes } from './world.ts'

const TABLES = [
  'create table customer (id int primary key, tier int not null)',
  `create table event (id int not null, customer int not null, day int not null, amount int not null,
    primary key (customer, id, day)) partition by range (day)`,
  'create table event_1 partition of event for values from (0) to (10)',
  'create table event_2 partition of event for values from (10) to (20)',
  `select create_distributed_table('customer', 'id')`,
  `select create_distributed_table('event', 'customer', colocate_with => 'customer')`,
  'insert into customer select i, i % 3 from generate_series(1, 20) i',
  'insert into event select i, 1 + i % 20, i % 20, i % 7 from generate_series(1, 200) i',
]

const QUERIES = {
  // on the workers, both
  per_customer: 'select customer, count(*) as n, sum(amount) as total from event group by customer',
  rich: `select c.id, c.tier, sum(e.amount) as total from customer c join event e on e.customer = c.id group by c.id, c.tier`,
  per_day: 'select day, count(*) as n, max(amount) as most from event group by day',
}

/** What a full refresh is the answer to: rows that came and went with a partition, or without a trigger that saw it. */
const ATTACHED: readonly (readonly [what: string, ...statements: readonly string[]])[] = [
  ['a partition is added', 'create table event_3 partition of event for values from (20) to (30)'],
  [
    'a table with rows is attached',
    'create table event_4 (id int not null, customer int not null, day int not null, amount int not null)',
    'insert into event_4 select i, 1 + i % 20, 30 + i % 10, i % 7 from generate_series(1000, 1040) i',
    'alter table event attach partition event_4 for values from (30) to (40)',
  ],
  ['a partition is detached', 'alter table event detach partition event_2', 'delete from event_2'],
  ['a partition is dropped', 'drop table event_1'],
  ['a partition is truncated', 'truncate event_4'],
]

/** A day of each partition. */
const DAYS: Readonly<Record<string, number>> = { event_1: 5, event_2: 15, event_3: 25, event_4: 35 }

describe.skipIf(clusterUrls() === null)('partitions of a distributed table', () => {
  test('are captured on all nodes, whatever is written to, and come and go', { timeout: 300_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    await world.run(...TABLES)
    const before = await leftOnNodes(world)
    for (const [name, query] of Object.entries(QUERIES))
      await world.stream(name, query, undefined, { placement: name === 'per_day' ? 'local' : 'distributed' })
    expect(await queues(world)).toBe(3)
    const worker = await world.writer(1)
    /** To the table, to its partitions, and from one to another; on the coordinator and on a worker. */
    const write = async (from: number) => {
      const there = await partitions(world)
      const days = there.flatMap((name) => DAYS[name] ?? [])
      const [first = 0] = days
      const statements = [
        ...days.map((day, i) => `insert into event values (${from + i}, ${1 + (from % 20)}, ${day}, 1)`),
        ...there.map((name, i) => `insert into ${name} values (${from + 10 + i}, ${1 + i}, ${DAYS[name] ?? 0}, 4)`),
        ...days.map((day) => `update event set day = ${first} where day = ${day} and id = ${from + 1}`),
        ...there.map((name) => `update ${name} set amount = amount + 1 where id % 7 = 1`),
        `delete from event where id = ${from + 10}`,
        `update event set amount = amount + 1 where customer = ${1 + (from % 20)}`,
      ]
      for (const [i, statement] of statements.entries())
        await (i % 2 === 0 ? world.run(statement) : worker.query(statement))
    }
    for (const i of [2000, 2101]) {
      await write(i)
      expect(await world.follow()).toEqual({
        per_customer: 'differential',
        rich: 'differential',
        per_day: 'differential',
      })
    }
    for (const [what, ...statements] of LONG ? ATTACHED : ATTACHED.slice(1, 4)) {
      await world.run(...statements)
      await write(3000)
      await world.follow()
      await write(3101)
      expect({ what, ...(await world.follow()) }).toEqual({
        what,
        per_customer: 'differential',
        rich: 'differential',
        per_day: 'differential',
      })
      await world.run('delete from event where id >= 3000')
      if (!LONG) continue
      await moveOne(world)
      await write(4000)
      await world.follow()
      await world.run('delete from event where id >= 4000')
    }
    expect(await queues(world)).toBe(3)
    await world.run('truncate event', 'insert into event values (1, 1, 35, 1)')
    await world.follow()
    expect(await world.freshet.doctor()).not.toContainEqual(expect.objectContaining({ level: 'error' }))
    for (const name of Object.keys(QUERIES)) await world.drop(name)
    // Citus's: what shards were copied from when they moved
    await cleaned(world)
    // the shards of event_2, which is a table of its own now, as well
    expect(await leftOnNodes(world)).toEqual(before)
  })
})

async function partitions(world: CitusWorld): Promise<readonly string[]> {
  const rows = await world.rows(
    `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'event'::regclass`,
  )
  return rows.map(({ name }) => String(name))
}

async function queues(world: CitusWorld): Promise<number> {
  return (await world.rows('select from freshet.shard_queue_reader')).length
}

async function moveOne(world: CitusWorld): Promise<void> {
  const [shard] = await world.rows(`select s.shardid::text as id, n.nodeport as source,
      (select nodeport from pg_dist_node where groupid not in (0, p.groupid) order by random() limit 1) as target
    from pg_dist_shard s join pg_dist_placement p using (shardid) join pg_dist_node n using (groupid)
    where s.logicalrelid = 'event'::regclass order by random() limit 1`)
  await world.run(`select citus_move_shard_placement(${String(shard?.['id'])}, '127.0.0.1', ${Number(shard?.['source'])},
    '127.0.0.1', ${Number(shard?.['target'])}, shard_transfer_mode => 'block_writes')`)
}
