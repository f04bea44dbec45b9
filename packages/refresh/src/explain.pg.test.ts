import { writeSetting } from '@freshet/core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { examine } from './doctor.ts'
import { explain } from './explain.ts'
import { hintOf } from './refresh-reasons.ts'
import { createWorld, type World } from './world.fixture.ts'

/** What Freshet says of a stream table and of the indexes that it misses. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(async () => {
  await writeSetting(world.database, 'force_full_refresh', null)
  await world.clear()
})

const TABLES = `create table orders (id int primary key, customer int, kind text);
  create table customers (id int, region text);
  insert into orders select i, i % 5000, 'k' from generate_series(1, 20000) i;
  insert into customers select i, 'r' || i % 7 from generate_series(1, 5000) i; analyze`
const JOINED = 'select o.id, c.region from orders o join customers c on c.id = o.customer'

const statements = async (subject: Parameters<typeof explain>[1]) =>
  (await explain(world.database, subject)).missingIndexes.map(({ statement }) => statement)

describe('missing indexes', () => {
  test('of a query that is no stream table yet, until they are made', async () => {
    await world.run(TABLES)
    const missing = await statements({ query: JOINED })
    expect(missing).toEqual([
      'create index concurrently on public.orders (customer);',
      'create index concurrently on public.customers (id);',
    ])
    for (const statement of missing) {
      await world.run(statement)
      expect(await statements({ query: JOINED })).not.toContain(statement)
    }
    expect(await statements({ query: JOINED })).toEqual([])
  })

  test('a partial one, one over an expression and an invalid one do not count; a covering one does', async () => {
    await world.run(`${TABLES}; create unique index on customers (id);
      create index on orders (customer) where kind = 'k'; create index on orders ((customer + 1), customer)`)
    expect(await statements({ query: JOINED })).toEqual(['create index concurrently on public.orders (customer);'])
    await world.run('create index only_key on orders (customer) include (kind)')
    expect(await statements({ query: JOINED })).toEqual([])
    await world.run(`update pg_index set indisvalid = false where indexrelid = 'only_key'::regclass`)
    expect(await statements({ query: JOINED })).toHaveLength(1)
  })

  test('on a partitioned table', async () => {
    await world.run(`create table parts (id int, ref int) partition by range (id);
      create table parts_1 partition of parts for values from (0) to (5000);
      create table parts_2 partition of parts for values from (5000) to (20000);
      insert into parts select i, i % 100 from generate_series(1, 10000) i; ${TABLES}`)
    const query = 'select p.id, c.region from parts p join customers c on c.id = p.ref'
    expect(await statements({ query })).toContain('create index on public.parts (ref);')
  })

  test('doctor tells them once, with those who would use them; a full one needs none', async () => {
    await world.run(TABLES)
    await world.stream('one', JOINED)
    await world.stream('two', `${JOINED} where o.id > 10`)
    await world.stream('three', 'select o.kind, c.region from orders o join customers c on c.id = o.customer', {
      mode: 'full',
      full: 'REQUESTED',
    })
    expect(await statements({ name: 'three' })).toEqual([])
    const found = (await examine(world.context)).filter(({ message }) => message.includes('an index is missing'))
    expect(found).toEqual([
      {
        level: 'warning',
        subject: 'public.orders',
        message: 'each refresh of public.one, public.two reads the whole table: an index is missing',
        hint: 'create index concurrently on public.orders (customer);',
      },
      expect.objectContaining({ subject: 'public.customers' }),
    ])
  })
})

describe('explain', () => {
  test('says how a stream table stands', async () => {
    await world.run(TABLES)
    await world.stream(
      'answer',
      'select n, count(*) as c from (select customer, count(*) as n from orders group by customer) x group by n',
    )
    const told = await explain(world.database, { name: 'answer' })
    expect(told).toMatchObject({
      mode: 'differential',
      effectiveMode: 'differential',
      reason: null,
      state: { status: 'active', statusReason: null, decision: null },
      nextFull: null,
    })
    expect(told.state?.refreshedAt).toBeInstanceOf(Date)
    expect(told.stages.map(({ table, rows }) => [table.replace(/_[0-9a-f]{16}_/, '_…_'), rows])).toEqual([
      ['freshet_changes.stage_…_1', 5_000],
      ['public.answer', 1],
    ])
    expect(told.stages.every(({ bytes }) => (bytes ?? 0) > 0)).toBe(true)
  })

  test('of a query: nothing is there yet', async () => {
    await world.run(TABLES)
    const told = await explain(world.database, { query: 'select kind, count(*) as c from orders group by kind' })
    expect(told).toMatchObject({
      name: null,
      mode: 'auto',
      state: null,
      stages: [{ table: 'public.stream_table', rows: null, bytes: null }],
    })
  })

  test('why it is not incremental, and what to do', async () => {
    await world.run(TABLES)
    const told = await explain(world.database, { query: 'select id from orders tablesample system (10)' })
    expect(told).toMatchObject({
      effectiveMode: 'full',
      reason: { code: 'TABLE_SAMPLE', hint: hintOf('TABLE_SAMPLE') },
    })
  })

  test('why the next refresh is a full one', async () => {
    await world.run(TABLES)
    await world.stream('answer', JOINED)
    await writeSetting(world.database, 'force_full_refresh', true)
    expect(await explain(world.database, { name: 'answer' })).toMatchObject({
      nextFull: { code: 'FORCED', hint: hintOf('FORCED') },
    })
    expect(await examine(world.context)).toContainEqual(
      expect.objectContaining({ level: 'warning', subject: 'force_full_refresh', hint: hintOf('FORCED') }),
    )
    await world.run(`update freshet.stream_table_state set reinitialize = 'SOURCE_CHANGED'`)
    expect(await explain(world.database, { name: 'answer' })).toMatchObject({ nextFull: { code: 'SOURCE_CHANGED' } })
  })

  test('a code of another version has no hint', () => {
    expect(hintOf('NEVER_HEARD_OF')).toBeNull()
    expect(hintOf('toString')).toBeNull()
  })
})
