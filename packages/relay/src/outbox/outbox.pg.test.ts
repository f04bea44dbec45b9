import { connect, raw, sql, tryLease } from '@freshet/core'
import { freshSeed, random } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFailed, test } from 'vitest'
import { findConsumer, moveConsumer, openConsumer, seek } from './consumer.ts'
import { listOutboxes } from './list.ts'
import { createOutbox, dropOutbox } from './outbox.ts'
import { beginning, numbersOf, outboxWorld, PAGES, take } from './outbox.fixture.ts'
import { trimOutbox } from './trim.ts'

const PUT = `insert into outbox (topic, key, payload) values ('t', $1, jsonb_build_object('n', $2::int))`

test('an outbox is made, listed and dropped', async () => {
  await using world = await outboxWorld()
  const { database } = world
  await createOutbox(database, { name: 'public."Other Box"', payload: 'bytea', keepMs: 60_000 })
  await beginning(world, 'reader')
  await database.query(sql`insert into outbox (topic, payload) values ('t', '1'), ('t', null)`)
  expect(await listOutboxes(database)).toMatchObject([
    { name: 'public."Other Box"', payload: 'bytea', keepMs: 60_000, rows: 0, consumers: [] },
    { name: 'public.outbox', payload: 'jsonb', keepMs: 0, rows: 2, consumers: [{ name: 'reader', lag: 2 }] },
  ])
  await expect(createOutbox(database, { name: 'outbox' })).rejects.toMatchObject({ code: 'DUPLICATE_NAME' })
  await dropOutbox(database, 'outbox')
  await expect(dropOutbox(database, 'outbox')).rejects.toMatchObject({ code: 'UNKNOWN_OUTBOX' })
  expect(await findConsumer(database, 'reader')).toBeNull()
})

test('a message of a transaction that commits late comes late, and is not lost', async () => {
  await using world = await outboxWorld()
  const [late, early] = [await world.test.client(), await world.test.client()]
  let position = await beginning(world, 'reader')
  await late.query('begin')
  await late.query(PUT, ['a', 1])
  await early.query(PUT, ['b', 2])
  const first = await take(world, position, (events) => events.length > 0)
  expect(numbersOf(first.events)).toEqual([2])
  position = first.position
  await late.query('savepoint s')
  await late.query(PUT, ['a', 3])
  await late.query('rollback to savepoint s')
  await late.query('savepoint s')
  await late.query(PUT, ['a', 4])
  await late.query('commit')
  await early.query(PUT, ['b', 5])
  const second = await take(world, position, (events) => events.length > 2)
  expect(numbersOf(second.events)).toEqual([1, 4, 5])
})

/**
 * Writers who hold a row of their key while they write, stay open for random times and roll back at random; a reader with
 * small pages that stops and goes on anywhere. A counter in the key's row says in which order its messages committed.
 */
test('sixteen writers and a reader that restarts: nothing lost, nothing doubled, keys in the order of commits', async () => {
  const seed = freshSeed()
  onTestFailed(() => void process.stderr.write(`seed ${seed}\n`))
  const chance = random(seed)
  await using world = await outboxWorld()
  const { database, test: own } = world
  await database.query(sql`create table keys as select k, 0 as n from generate_series(0, 9) k`)
  let position = await beginning(world, 'reader')
  let writing = 16
  const writers = Array.from({ length: writing }, async () => {
    const dice = chance.fork()
    const client = await own.client()
    for (let i = 0; i < 25; i++) {
      await client.query('begin')
      const key = dice.int(0, 9)
      for (let j = dice.int(1, 4); j > 0; j--)
        await client.query(
          `with one as (update keys set n = n + 1 where k = $1 returning k, n)
           insert into outbox (topic, key, payload) select 't', k, jsonb_build_object('n', n) from one`,
          [key],
        )
      if (dice.chance(0.3)) await sleep(dice.int(1, 15))
      await client.query(dice.chance(0.2) ? 'rollback' : 'commit')
    }
    writing--
  })
  const seen: { key: string | null; n: number; id: string }[] = []
  const dice = chance.fork()
  for (let left = 1; left > 0;) {
    const stop = dice.int(1, 60)
    const bound = { rows: dice.int(1, 40), bytes: dice.int(1, 2_000) }
    // asked before they are counted: the last of them may commit meanwhile
    const wasWriting = writing > 0
    const { rows } = (await database.query<{ rows: number }>(sql`select count(*)::int as rows from outbox`))[0] ?? {
      rows: 0,
    }
    left = wasWriting ? 1 : rows - seen.length
    if (rows === seen.length) {
      await sleep(1)
      continue
    }
    const taken = await take(world, position, (events) => events.length >= Math.min(stop, rows - seen.length), bound)
    const numbers = numbersOf(taken.events)
    taken.events.forEach(({ key, id }, i) => seen.push({ key, id, n: numbers[i] ?? 0 }))
    position = taken.position
  }
  await Promise.all(writers)
  const written = await database.query<{ id: string }>(sql`select id from outbox`)
  expect(new Set(seen.map(({ id }) => id)).size).toBe(seen.length)
  expect(seen.length).toBe(written.length)
  for (let key = 0; key < 10; key++) {
    const numbers = seen.filter((one) => one.key === String(key)).map(({ n }) => n)
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
  }
})

test('a large window comes in pages, the same again from any of them, while others write and old rows are kept', async () => {
  await using world = await outboxWorld()
  const { database } = world
  const late = await world.test.client()
  let position = await beginning(world, 'reader')
  await database.query(
    sql`insert into outbox (topic, payload) select 't', jsonb_build_object('n', -i) from generate_series(1, 500) i`,
  )
  position = (await take(world, position, (events) => events.length === 500)).position
  await late.query('begin')
  await late.query(PUT, ['a', 9_001])
  await database.query(
    sql`insert into outbox (topic, payload) select 't', jsonb_build_object('n', i) from generate_series(1, 1000) i`,
  )
  const part = await take(world, position, (events) => events.length >= 350)
  await late.query('commit')
  await late.query(PUT, ['a', 9_002])
  const rest = await take(world, part.position, (events) => events.length >= 1_002 - part.events.length)
  const numbers = numbersOf([...part.events, ...rest.events])
  expect(numbers).toEqual([...Array.from({ length: 1_000 }, (_, i) => i + 1), 9_001, 9_002])
  const again = await take(world, position, (events) => events.length >= 1_002)
  expect(new Set(again.events.map(({ id }) => id))).toEqual(
    new Set([...part.events, ...rest.events].map(({ id }) => id)),
  )
})

test('a page is bounded by bytes too, and a message that is larger than that comes alone', async () => {
  await using world = await outboxWorld('bytea')
  const { database } = world
  const position = await beginning(world, 'reader')
  await database.query(sql`insert into outbox (topic, payload) select 't', convert_to(repeat('x', n), 'UTF8')
    from unnest(array[10, 5000, 900, 90, 20]) n`)
  const pages: number[][] = []
  const lengths = (events: readonly { kind: string; payload?: unknown }[]) =>
    events.map(({ payload }) => (payload instanceof Uint8Array ? payload.byteLength : -1))
  let counted = 0
  await take(
    world,
    position,
    (events) => {
      pages.push(lengths(events.slice(counted)))
      counted = events.length
      return counted === 5
    },
    { rows: 100, bytes: 1_000 },
  )
  expect(pages).toEqual([[10], [5_000], [900, 90], [20]])
})

test('what every consumer has passed is removed, in batches, after its time', async () => {
  await using world = await outboxWorld()
  const { database } = world
  const lease = await tryLease(database, 'relay:test')
  if (lease === null) throw new Error('the lease is taken')
  const fast = await openConsumer(database, 'fast', world.outbox, 'beginning')
  const slow = await openConsumer(database, 'slow', world.outbox, 'beginning')
  await database.query(
    sql`insert into outbox (topic, payload) select 't', jsonb_build_object('n', i) from generate_series(1, 30) i`,
  )
  const { position } = await take(world, fast.position ?? '', (events) => events.length === 30)
  await moveConsumer(lease, fast, position)
  expect(await trimOutbox(database, 'outbox', 100)).toBe(0)
  await moveConsumer(lease, slow, position)
  await database.query(sql`update freshet.outbox set keep_ms = 3600000`)
  expect(await trimOutbox(database, 'outbox', 100)).toBe(0)
  await database.query(sql`update freshet.outbox set keep_ms = 0`)
  await database.query(sql`insert into outbox (topic, payload) values ('t', '{"n": 31}')`)
  expect(await trimOutbox(database, 'outbox', 20)).toBe(20)
  expect(await trimOutbox(database, 'outbox', 20)).toBe(10)
  expect(await trimOutbox(database, 'outbox', 20)).toBe(0)
  const next = await take(world, position, (events) => events.length > 0)
  expect(numbersOf(next.events)).toEqual([31])
  await lease.release()
})

test('a consumer is moved: to the beginning, to a time, to now, to a position; what was under way moves nothing', async () => {
  await using world = await outboxWorld()
  const { database } = world
  const lease = await tryLease(database, 'relay:test')
  if (lease === null) throw new Error('the lease is taken')
  const consumer = await openConsumer(database, 'reader', world.outbox, 'now')
  await database.query(sql`insert into outbox (topic, payload, created_at) values ('t', '{"n": 1}', '2026-01-01')`)
  await database.query(sql`insert into outbox (topic, payload, created_at) values ('t', '{"n": 2}', '2026-01-03')`)
  const all = await take(world, consumer.position ?? '', (events) => events.length === 2)
  await moveConsumer(lease, consumer, all.position)
  const from = async (to: Parameters<typeof seek>[3], count: number) => {
    const { position } = await seek(database, 'outbox', 'reader', to)
    return numbersOf((await take(world, position ?? '', (events) => events.length >= count)).events)
  }
  expect(await from('beginning', 2)).toEqual([1, 2])
  expect(await from(new Date('2026-01-02'), 1)).toEqual([2])
  expect(await from({ position: consumer.position ?? '' }, 2)).toEqual([1, 2])
  await expect(moveConsumer(lease, consumer, all.position)).rejects.toMatchObject({ code: 'CONSUMER_MOVED' })
  const { position } = await seek(database, 'outbox', 'reader', 'now')
  await database.query(sql`insert into outbox (topic, payload) values ('t', '{"n": 3}')`)
  expect(numbersOf((await take(world, position ?? '', (events) => events.length > 0)).events)).toEqual([3])
  await lease.release()
})

test('a consumer that is moved to a time gets what a transaction writes that had begun before it', async () => {
  await using world = await outboxWorld()
  const { database } = world
  await openConsumer(database, 'reader', world.outbox, 'now')
  const late = await world.test.client()
  await late.query('begin; select pg_current_xact_id()')
  await database.query(sql`insert into outbox (topic, payload, created_at) values ('t', '{"n": 1}', '2026-01-01')`)
  await database.query(sql`insert into outbox (topic, payload, created_at) values ('t', '{"n": 2}', '2026-01-03')`)
  const { position } = await seek(database, 'outbox', 'reader', new Date('2026-01-02'))
  const first = await take(world, position ?? '', (events) => events.length > 0)
  expect(numbersOf(first.events)).toEqual([2])
  await late.query(`insert into outbox (topic, payload) values ('t', '{"n": 3}'); commit`)
  const both = await take(world, position ?? '', (events) => events.length > 1)
  expect([...numbersOf(both.events)].sort((left, right) => left - right)).toEqual([2, 3])
  expect(numbersOf((await take(world, first.position, (events) => events.length > 0)).events)).toEqual([3])
})

test('a position of another outbox, another database or the future is refused', async () => {
  await using world = await outboxWorld()
  await using other = await outboxWorld()
  const position = await beginning(world, 'reader')
  const lost = { code: 'CONSUMER_LOST' }
  await expect(take(other, position, () => true)).rejects.toMatchObject(lost)
  const second = await createOutbox(world.database, { name: 'second' })
  await expect(take({ ...world, outbox: second }, position, () => true)).rejects.toMatchObject(lost)
  const future = position.replace(/"from":"[^"]*"/, '"from":"999999999:999999999:"')
  await expect(take(world, future, () => true)).rejects.toMatchObject(lost)
  await expect(take(world, 'nonsense', () => true)).rejects.toMatchObject(lost)
  await expect(openConsumer(world.database, 'reader', second, 'now')).rejects.toMatchObject({ code: 'USAGE' })
})

test.each([100, 10_000])('a poll looks at what is waiting and not at what is kept: pages of %i', async (rows) => {
  await using world = await outboxWorld()
  const { database, test: own } = world
  await database.query(
    raw(`do $$ begin
      for i in 1..200 loop
        insert into outbox (topic, payload) select 't', jsonb_build_object('x', repeat('x', 150)) from generate_series(1, 100);
        commit;
      end loop; end $$`),
  )
  await database.query(sql`vacuum analyze outbox`)
  const { position } = await openConsumer(database, 'reader', world.outbox, 'now')
  await database.query(sql`insert into outbox (topic, payload) values ('t', '{"n": 1}')`)
  await using counted = await connect({ url: own.url, poolSize: 1 }).then((one) => ({
    one,
    [Symbol.asyncDispose]: () => one.close(),
  }))
  const rowsRead = async () => {
    for (const one of [counted.one, database]) await one.query(sql`select pg_stat_force_next_flush()`)
    const [scans] = await database.query<{ read: number }>(
      sql`select (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::float8 as read
        from pg_stat_user_tables where relid = 'public.outbox'::regclass`,
    )
    return scans?.read ?? 0
  }
  const before = await rowsRead()
  const enough = (found: readonly unknown[]) => found.length > 0
  const { events } = await take({ ...world, database: counted.one }, position ?? '', enough, { ...PAGES, rows })
  expect(numbersOf(events)).toEqual([1])
  expect((await rowsRead()) - before).toBeLessThan(200)
})
