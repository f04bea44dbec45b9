import { clusterUrls, freshSeed, random } from '@freshet/testkit'
import { describe, expect, test, vi } from 'vitest'
import { LONG } from '../length.ts'
import { listening } from './sent.ts'
import { type CitusWorld, createCitusWorld, leftOnNodes } from './world.ts'

const SHARDS = 4

const TABLES = [
  'create table customers (id int primary key, region int not null)',
  'create table orders (id bigint, customer int, product int, kind text, amount numeric, primary key (customer, id))',
  `select create_distributed_table('customers', 'id')`,
  `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
  'insert into customers select i, i % 5 from generate_series(1, 45) i',
  `insert into orders select i, 1 + i % 40, 1 + i % 10, nullif('k' || i % 3, 'k1'), i % 10 from generate_series(1, 300) i`,
]

const BY_PRODUCT =
  'select customer, product, sum(amount) as total, count(*) as n from orders group by customer, product'

/** What a stream table says, and what the first columns of its first stage hold. */
interface Staged {
  readonly query: string
  readonly inner?: string
}

const EVERYDAY: Readonly<Record<string, Staged>> = {
  // an aggregate of aggregates; the key of the inner one may be null, so it is a hash
  by_kind: {
    query: `select customer, count(*) as kinds, max(total) as most from (
      select customer, kind, sum(amount) as total from orders group by customer, kind) k group by customer`,
    inner: 'select customer, kind, sum(amount) from orders group by customer, kind',
  },
  joined: {
    query: `select c.id, c.region, t.n, t.total from customers c
      join (select customer, count(*) as n, sum(amount) as total from orders group by customer) t on t.customer = c.id`,
    inner: 'select customer, count(*), sum(amount) from orders group by customer',
  },
  kinds: {
    query: `select customer, count(*) as n from (select distinct customer, product, kind from orders) d group by customer`,
    inner: 'select distinct customer, product, kind from orders',
  },
  best: {
    query: `select customer, sum(amount) as total from (
      select customer, amount, row_number() over (partition by customer order by amount desc, id) as place from orders) r
      where place <= 3 group by customer`,
  },
  left_over: {
    query: `select c.id, c.region, t.total from customers c
      left join (select customer, sum(amount) as total from orders where product > 3 group by customer) t on t.customer = c.id`,
    inner: 'select customer, sum(amount) from orders where product > 3 group by customer',
  },
}

const MORE: Readonly<Record<string, Staged>> = {
  rich: {
    query: 'select customer, sum(amount) as total from orders group by customer having sum(amount) > 40',
    inner: 'select customer, sum(amount) from orders group by customer',
  },
  // added up in one order here, and in another there: so the sums are of whole numbers
  floats: {
    query: `select customer, sum(f) as f from (select customer, product, sum(amount::float8) as f from orders
      group by customer, product having count(*) > 1) x group by customer`,
  },
  united: {
    query: `select who, count(*) as n from (select customer as who, product as what from orders
      union select id, region from customers) u group by who`,
  },
  three: {
    query: `select customer, max(n) as n from (select customer, total, count(*) as n from (${BY_PRODUCT}) a
      group by customer, total) b group by customer`,
  },
  latest: {
    query: `select c.id, c.region, l.amount from customers c join (
      select distinct on (customer) customer, amount, id from orders order by customer, id desc) l on l.customer = c.id`,
  },
  two_sides: {
    query: `select a.customer, a.n, b.total from (select customer, count(*) as n from orders where product < 5 group by customer) a
      left join (select customer, sum(amount) as total from orders where product > 6 group by customer) b on b.customer = a.customer`,
  },
  // without inner stages, and with outer and anti joins, which Citus can not plan on the coordinator
  counted: {
    query: `select c.id, count(o.id) as n, max(o.amount) as most from customers c left join orders o on o.customer = c.id group by c.id`,
  },
  idle: {
    query: `select c.id, c.region from customers c where not exists (
      select from orders o where o.customer = c.id and o.amount > 5)`,
  },
  ranked: {
    query: 'select customer, id, amount, rank() over (partition by customer order by amount desc) as place from orders',
  },
}

/** A stage has rows of several shards: everything stays on the coordinator. */
const ACROSS: Readonly<Record<string, string>> = {
  products: `select product, count(*) as n from (${BY_PRODUCT}) p group by product`,
  ...(LONG
    ? {
        regions: `select c.id, c.region, t.n from customers c
          join (select region, count(*) as n from customers group by region) t on t.region = c.region`,
      }
    : {}),
}

const DISTRIBUTED = { placement: 'distributed' } as const

describe.skipIf(clusterUrls() === null)('stream tables with inner stages', () => {
  test('keep them beside the shards, and are as exact', { timeout: LONG ? 1_800_000 : 120_000 }, async () => {
    const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
    const draw = random(seed)
    await using world = await createCitusWorld({ shards: SHARDS })
    await world.run(...TABLES)
    const before = await leftOnNodes(world)
    const staged = LONG ? { ...EVERYDAY, ...MORE } : EVERYDAY
    for (const [name, { query }] of Object.entries(staged)) await world.stream(name, query, undefined, DISTRIBUTED)
    for (const [name, query] of Object.entries(ACROSS)) await world.stream(name, query, undefined, DISTRIBUTED)
    expect(await pushed(world)).toEqual(Object.keys(staged).toSorted())
    expect(await placesOfStages(world, 'products')).toEqual(['local'])
    let id = 1000
    const operations: readonly (() => Promise<void>)[] = [
      () =>
        world.run(`insert into orders select i, 1 + i % 45, ${draw.int(1, 12)}, nullif('k' || i % 4, 'k${draw.int(0, 3)}'), i % 7
          from generate_series(${id + 1}, ${(id += draw.int(1, 60))}) i`),
      () => world.run(`update orders set amount = amount + 1 where id % 7 = ${draw.int(0, 6)}`),
      () =>
        world.run(`update orders set product = 1 + (product + 3) % 10, kind = null where id % 9 = ${draw.int(0, 8)}`),
      () => world.run(`delete from orders where id % 11 = ${draw.int(0, 10)}`),
      () => world.run(`delete from orders where customer = ${draw.int(1, 45)}`),
      () => world.run(`update customers set region = region + 1 where id % 5 = ${draw.int(0, 4)}`),
      () => world.run(`delete from customers where id = ${draw.int(1, 45)}`),
      () => world.run(`insert into customers select i, 1 from generate_series(1, 45) i on conflict do nothing`),
      () => moveOne(world),
      () => (draw.chance(0.2) ? world.run('truncate orders') : Promise.resolve()),
    ]
    const steps = LONG ? 120 : 3
    for (let step = 0; step < steps; step++) {
      // always one that moves a shard, between changes
      for (let i = draw.int(1, 3); i > 0; i--) await draw.pick(operations)()
      if (step === 1) await moveOne(world)
      await draw.pick(operations)()
      await world.follow().catch((error: unknown) => {
        throw new Error(`seed ${seed}, step ${step}`, { cause: error })
      })
      for (const [name, { inner }] of Object.entries(staged)) {
        if (inner === undefined) continue
        const said = await rowsOf(world, inner)
        const held = await heldBy(world, name, said[0]?.length ?? 0)
        expect({ seed, step, name, held: held.map(String).toSorted() }).toEqual({
          seed,
          step,
          name,
          held: said.map(String).toSorted(),
        })
      }
    }
    // the same by a full refresh that finds nothing, and by one that finds something
    for (const name of Object.keys(staged)) {
      expect({ name, ...(await world.freshet.refresh(name, { full: true })) }).toMatchObject({
        name,
        rowsInserted: 0,
        rowsDeleted: 0,
      })
    }
    await world.run(
      'update orders set amount = amount + 1 where customer < 20',
      'delete from orders where customer > 40',
    )
    for (const name of Object.keys(staged)) await world.freshet.refresh(name, { full: true })
    await world.follow()
    for (const name of [...Object.keys(staged), ...Object.keys(ACROSS)]) await world.drop(name)
    // what moves have left behind, Citus drops when it comes to it
    await vi.waitFor(
      async () => {
        await world.run('call citus_cleanup_orphaned_resources()')
        expect(await world.rows('select from pg_dist_cleanup')).toEqual([])
      },
      { timeout: 30_000 },
    )
    expect(await leftOnNodes(world)).toEqual(before)
    console.log({ seed, steps, pushed: Object.keys(staged).length })
  })

  test('have each statement run by the shards alone', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: SHARDS })
    await world.run(...TABLES)
    await world.stream('joined', EVERYDAY['joined']?.query ?? '', undefined, DISTRIBUTED)
    await world.stream('rich', 'select id, total from joined where total > 30')
    const { freshet, sent } = listening(world)
    for (const full of [false, true]) {
      await world.run('update orders set amount = amount + 1 where id % 3 = 0', 'delete from orders where customer = 7')
      sent.length = 0
      await freshet.refresh('joined', full ? { full } : {})
      // but for what is fetched for those who read it, and the queues, whose rows are of no stage
      const own = sent.filter((text) =>
        /^(insert into|delete from) (freshet_changes\.(scratch|stage)|public\.joined)/.test(text),
      )
      // two stages: computed (anew, what is there and what is gone apart), deleted, written, and the scratch emptied
      expect(own).toHaveLength(full ? 10 : 8)
      for (const statement of own) expect(await pushedTo(world, statement)).toEqual({ tasks: SHARDS, apart: null })
    }
    await world.follow()
  })

  test('are altered, follow their sources, and are repaired', { timeout: 180_000 }, async () => {
    await using world = await createCitusWorld({ shards: SHARDS })
    await world.run(...TABLES)
    const before = await leftOnNodes(world)
    const totals = (over: string) =>
      `select customer, count(*) as n, sum(total) as total from (${over}) p group by customer`
    await world.stream('t', totals(BY_PRODUCT), undefined, DISTRIBUTED)
    const goesOn = async (...stages: readonly string[]) => {
      expect(await placesOfStages(world, 't')).toEqual(stages)
      await world.run('update orders set amount = amount + 1 where id % 3 = 0', 'delete from orders where id % 17 = 1')
      await world.follow()
      await world.run(
        `insert into orders select -i, i, 3, 'new', 4 from generate_series(1, 40) i on conflict do nothing`,
      )
      await world.run('update orders set amount = amount + 1 where id < 60')
      expect(await world.follow()).toEqual({ t: 'differential' })
    }
    await goesOn('distributed')
    await world.alter('t', { query: totals(`select customer, total from (${BY_PRODUCT}) q group by customer, total`) })
    await goesOn('distributed', 'distributed')
    await world.alter('t', { query: totals(BY_PRODUCT), placement: 'local' })
    await goesOn('local')
    await world.alter('t', { placement: 'distributed' })
    await goesOn('distributed')
    if (LONG) {
      await world.alter('t', { mode: 'full' })
      expect(await placesOfStages(world, 't')).toEqual(['local'])
      await world.run('update orders set amount = amount + 1 where id % 5 = 0')
      expect(await world.follow()).toEqual({ t: 'full' })
      await world.alter('t', { mode: 'differential' })
      await goesOn('distributed')
    }
    await world.run('alter table orders rename column product to article')
    await world.freshet.refresh('t')
    expect(await placesOfStages(world, 't')).toEqual(['distributed'])
    await world.run('alter table orders rename column article to product')
    await goesOn('distributed')

    await world.run(`drop table ${(await stagesOf(world, 't'))[0] ?? ''}`)
    await world.freshet.repair()
    await goesOn('distributed')

    const asked = await world.writer()
    await asked.query('set citus.enable_unsafe_triggers to on')
    await world.run('update orders set amount = amount + 1')
    await asked.query(`select alter_distributed_table('orders', shard_count => 6, cascade_to_colocated => false)`)
    await world.follow()
    expect(await pushed(world)).toEqual([])
    await goesOn('local')
    await world.drop('t')
    expect(await leftOnNodes(world)).toEqual(before)
  })

  test('are kept by deltas where the coordinator could not', { timeout: 120_000 }, async () => {
    await using world = await createCitusWorld({ shards: SHARDS })
    await world.run(...TABLES)
    const idle = MORE['idle']?.query ?? ''
    await world.stream('idle', idle, undefined, DISTRIBUTED)
    const refreshed = async () => {
      await world.run('update orders set amount = 10 - amount where customer < 9')
      await world.follow()
      await world.run('delete from orders where customer = 3 or amount > 8')
      return (await world.follow())['idle']
    }
    expect(await refreshed()).toBe('differential')
    // there, it is full refreshes, and it says why
    await world.drop('idle')
    await world.stream('other', EVERYDAY['joined']?.query ?? '', undefined, DISTRIBUTED)
    const limited = await world.alter('other', {
      query: `select id, region, 1 as n, 2 as total from (${idle}) i`,
      mode: 'auto',
    })
    expect(limited).toMatchObject({ pushedDown: true, modeReason: null })
    await world.alter('other', { placement: 'reference' })
    expect((await world.freshet.status()).map(({ modeReason }) => modeReason?.code)).toEqual(['CITUS_LIMIT'])
    await world.alter('other', { placement: 'distributed' })
    expect((await world.freshet.status()).map(({ modeReason, pushedDown }) => [modeReason, pushedDown])).toEqual([
      [null, true],
    ])
    await world.run('update orders set amount = 10 - amount where customer > 30')
    await world.follow()
  })
})

/** The stream tables that are refreshed on the workers. */
async function pushed(world: CitusWorld): Promise<readonly unknown[]> {
  const tables = await world.freshet.status()
  return tables.flatMap(({ table, pushedDown }) => (pushedDown ? [table] : [])).toSorted()
}

/** The tables that hold the states of its inner stages, inner ones first. */
async function stagesOf(world: CitusWorld, name: string): Promise<readonly string[]> {
  const rows = await world.rows(`select format('%I.%I', s.value ->> 'schema', s.value ->> 'table') as name
    from freshet.stream_table t cross join lateral jsonb_array_elements(t.plan -> 'tables') with ordinality s (value, place)
    where t.table_name = '${name}' and s.place < jsonb_array_length(t.plan -> 'tables') order by s.place`)
  return rows.map(({ name }) => String(name))
}

async function placesOfStages(world: CitusWorld, name: string): Promise<readonly unknown[]> {
  const places: unknown[] = []
  for (const stage of await stagesOf(world, name)) {
    const [row] = await world.rows(`select coalesce((select citus_table_type from citus_tables
      where table_name = '${stage}'::regclass), 'local') as place`)
    places.push(row?.['place'])
  }
  return places
}

async function rowsOf(world: CitusWorld, query: string): Promise<readonly (readonly unknown[])[]> {
  return (await world.rows(query)).map((row) => Object.values(row))
}

/** The first so many columns of its first stage. */
async function heldBy(world: CitusWorld, name: string, columns: number) {
  const [stage = ''] = await stagesOf(world, name)
  const shown = await world.rows(`select c.name from freshet.stream_table t
    cross join lateral jsonb_array_elements_text(t.plan -> 'tables' -> 0 -> 'visibleColumns') c (name)
    where t.table_name = '${name}'`)
  const names = shown.slice(0, columns).map((column) => String(column['name']))
  return rowsOf(world, `select ${names.join(', ')} from ${stage}`)
}

/** How many tasks Citus makes of a statement, and what it would do apart from them. */
async function pushedTo(world: CitusWorld, statement: string) {
  const [row] = await world.rows(`explain (format json) ${statement}`)
  const plan = JSON.stringify(row?.['QUERY PLAN'])
  const apart = /"(INSERT\/SELECT method|Subplans)":/.exec(plan)
  return { tasks: Number(/"Task Count": ?(\d+)/.exec(plan)?.[1]), apart: apart?.[0] ?? null }
}

async function moveOne(world: CitusWorld): Promise<void> {
  const [shard] = await world.rows(`select s.shardid::text as id, n.nodeport as source,
      (select nodeport from pg_dist_node where groupid not in (0, p.groupid) order by nodeport limit 1) as target
    from pg_dist_shard s join pg_dist_placement p using (shardid) join pg_dist_node n using (groupid)
    where s.logicalrelid = 'orders'::regclass order by s.shardid limit 1`)
  await world.run(`select citus_move_shard_placement(${String(shard?.['id'])}, '127.0.0.1', ${Number(shard?.['source'])},
    '127.0.0.1', ${Number(shard?.['target'])}, shard_transfer_mode => 'block_writes')`)
}
