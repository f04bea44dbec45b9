import { setTimeout as sleep } from 'node:timers/promises'
import { connect, parseSnapshot, raw, type SourceIdentifier, sourceIdentifier, sql } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capture, captured as capturedIn, changes, clear, run, sourceOf, written } from './capture.fixture.ts'
import { triggerCapture } from './trigger-capture.ts'

/** Installing, growing, mending, inspecting, trimming and removing capture. */
let world: TestDatabase

beforeAll(async () => {
  world = await createTestDatabase()
})
afterAll(() => world.drop())

const captured = (name: string, definition: string, columns: readonly string[]) =>
  capturedIn(world.database, `create table ${name} (${definition})`, name, columns)

async function objects(stableName: string): Promise<string[]> {
  const rows = await world.database.query<{ name: string }>(sql`
    select relname::text as name from pg_class
      where relnamespace = 'freshet_changes'::regnamespace and relname like ${`%${stableName}`}
    union select proname from pg_proc
      where pronamespace = 'freshet_changes'::regnamespace and proname like ${`%${stableName}`}
    union select tgname from pg_trigger where tgname like ${`%${stableName}`}
    union select 'source' from freshet.source where stable_name = ${stableName}
    order by 1`)
  return rows.map(({ name }) => name.replace(`_${stableName}`, ''))
}

const ALL = [
  'capture_delete',
  'capture_insert',
  'capture_truncate',
  'capture_update',
  'changes',
  'freshet_delete',
  'freshet_insert',
  'freshet_truncate',
  'freshet_update',
  'kept_1',
  'log',
  'pack',
  'sizes',
  'source',
]

describe('ensure', () => {
  test('installs once, and records what it installed', async () => {
    const { source } = await captured('once', 'a int, b text', ['a'])
    expect(await objects(source.stableName)).toEqual(ALL)
    const made = await world.database.query(
      raw(`select oid, xmin from pg_class where relname = 'log_${source.stableName}'`),
    )
    await capture.ensure(world.database, source, ['a'])
    await capture.ensure(world.database, source, [])
    expect(
      await world.database.query(raw(`select oid, xmin from pg_class where relname = 'log_${source.stableName}'`)),
    ).toEqual(made)
    const rows = await world.database.query(sql`select * from freshet.source where stable_name = ${source.stableName}`)
    expect(rows).toMatchObject([
      {
        relation: source.oid,
        schema_name: 'public',
        table_name: 'once',
        kind: 'table',
        capture: 'trigger',
        captured_columns: [{ name: 'a', type: 'pg_catalog.int4' }],
        members: [source.oid],
      },
    ])
  })

  test('many at once, from connections of their own, wanting different columns', async () => {
    await run(world.database, 'create table wanted (a int, b int, c int, d int)')
    const source = await sourceOf(world.database, 'wanted')
    const others = await Promise.all(Array.from({ length: 4 }, () => connect({ url: world.url, poolSize: 1 })))
    try {
      await Promise.all(
        others.map((database, i) => capture.ensure(database, source, [['a'], ['b', 'a'], ['c'], ['a', 'd']][i] ?? [])),
      )
    } finally {
      await Promise.all(others.map((database) => database.close()))
    }
    await run(world.database, 'insert into wanted values (1, 2, 3, 4)')
    expect(await changes(world.database, source, ['a', 'b', 'c', 'd'])).toEqual(['1 1,2,3,4'])
    expect(await objects(source.stableName)).toEqual(ALL)
  })

  test('grows: what was captured stays, what comes has the new columns', async () => {
    const { source } = await captured('grown', 'a int, b text, c json', [])
    await run(world.database, `insert into grown values (1, 'x', '{}')`)
    await run(world.database, `update grown set a = 2`)
    await capture.ensure(world.database, source, ['b'])
    await run(world.database, `insert into grown values (3, 'y', '{}'), (4, 'z', '{}')`)
    await capture.ensure(world.database, source, ['a'])
    await run(world.database, `update grown set a = a + 1`)
    await capture.ensure(world.database, source, ['c'])
    await run(world.database, `delete from grown where b in ('x', 'y')`)
    expect(await changes(world.database, source, ['b', 'a', 'c'])).toEqual([
      '-1 x,2,null',
      '-1 x,3,{}',
      '-1 y,3,null',
      '-1 y,4,{}',
      '-1 z,4,null',
      '1 null,null,null',
      '1 x,3,null',
      '1 y,4,null',
      '1 y,null,null',
      '1 z,5,null',
      '1 z,null,null',
    ])
  })

  test('waits for writers in flight, so that no row of theirs lacks a new column', async () => {
    const { source } = await captured('flying', 'a int, b int', ['a'])
    const writer = await world.client()
    await writer.query('begin; insert into flying values (1, 1)')
    let done = false
    const growing = capture.ensure(world.database, source, ['b']).then(() => {
      done = true
    })
    await sleep(700)
    expect(done).toBe(false)
    await writer.query('insert into flying values (2, 2); commit')
    await growing
    await writer.query('insert into flying values (3, 3)')
    expect(await changes(world.database, source, ['a', 'b'])).toEqual(['1 1,null', '1 2,null', '1 3,3'])
  })

  test('gives up when a writer does not end: says who, changes nothing, and lets others write meanwhile', async () => {
    await run(world.database, 'create table held (a int)')
    const source = await sourceOf(world.database, 'held')
    const holder = await world.client()
    await holder.query('begin; insert into held values (1)')
    const impatient = triggerCapture({ lockTimeoutMs: 100, patienceMs: 600 })
    const attempt = impatient.ensure(world.database, source, ['a'])
    const other = await world.client()
    const started = performance.now()
    for (let i = 0; i < 5; i++) await Promise.all([other.query('insert into held values (2)'), sleep(50)])
    expect(performance.now() - started).toBeLessThan(2_000)
    await expect(attempt).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      retry: 'retry',
      message: expect.stringContaining('public.held could not be locked within 0.6 s'),
      detail: expect.stringContaining('idle in transaction'),
    })
    expect(await objects(source.stableName)).toEqual([])
    await holder.query('rollback')
    await capture.ensure(world.database, source, ['a'])
  })

  test('refuses what triggers can not capture, with the reason', async () => {
    const { database } = world
    await run(
      database,
      `create table parent (a int) partition by list (a); create table part partition of parent default;
      create table ancestor (a int); create table heir () inherits (ancestor);
      create unlogged table unlogged (a int); create view a_view as select 1 as a;
      create materialized view a_matview as select 1 as a; create sequence a_sequence;
      create table reserved (__x int, __n int, __w int, __y int)`,
    )
    const refused = async (name: string, columns: readonly string[] = ['a']) => {
      const source = await sourceOf(database, name)
      const error = await capture.ensure(database, source, columns).catch((reason: unknown) => reason)
      expect(await objects(source.stableName)).toEqual([])
      return error
    }
    const capturable = (message: string) => ({
      code: 'NOT_CAPTURABLE',
      message: expect.stringContaining(message),
      hint: expect.any(String),
    })
    expect(await refused('part')).toMatchObject(capturable('partition or a child of parent'))
    expect(await refused('heir')).toMatchObject(capturable('partition or a child of ancestor'))
    expect(await refused('unlogged')).toMatchObject(capturable('unlogged'))
    expect(await refused('a_view')).toMatchObject(capturable('a view'))
    expect(await refused('a_matview')).toMatchObject(capturable('a materialized view'))
    expect(await refused('a_sequence')).toMatchObject(capturable('a sequence'))
    expect(await refused('pg_catalog.pg_class')).toMatchObject({ code: 'SYSTEM_SOURCE' })
    expect(await refused('freshet.source')).toMatchObject({ code: 'SYSTEM_SOURCE' })
    expect(await refused('ancestor', ['b'])).toMatchObject({
      code: 'UNKNOWN_COLUMN',
      message: 'public.ancestor has no column b',
    })
    for (const column of ['__x', '__n', '__w']) {
      expect(await refused('reserved', [column])).toMatchObject({ code: 'RESERVED_COLUMN_NAME' })
    }
    await capture.ensure(database, await sourceOf(database, 'reserved'), ['__y'])
    await expect(capture.ensure(database, sourceIdentifier(1, 'no', 'where'), [])).rejects.toMatchObject({
      code: 'UNKNOWN_RELATION',
    })
    await database.session(async (session) => {
      await session.query(raw('create temp table passing (a int)'))
      const [row] = await session.query<{ oid: number; schema: string }>(
        raw(
          `select c.oid, n.nspname as schema from pg_class c join pg_namespace n on n.oid = relnamespace where relname = 'passing'`,
        ),
      )
      const source: SourceIdentifier = sourceIdentifier(row?.oid ?? 0, row?.schema ?? '', 'passing')
      await expect(capture.ensure(database, source, ['a'])).rejects.toMatchObject({ code: 'TEMPORARY_SOURCE' })
      await session.query(raw('drop table passing'))
    })
  })

  test('a table that takes the name of a renamed source is refused; one that replaces a dropped source is captured anew', async () => {
    const { source } = await captured('replaced', 'a int', ['a'])
    await run(world.database, 'alter table replaced rename to replaced_before; create table replaced (a int)')
    const taker = await sourceOf(world.database, 'replaced')
    await expect(capture.ensure(world.database, taker, ['a'])).rejects.toMatchObject({ code: 'NAME_COLLISION' })
    await run(world.database, 'insert into replaced_before values (1)')
    expect(await changes(world.database, source, ['a'])).toEqual(['1 1'])
    await run(world.database, 'drop table replaced_before')
    await capture.ensure(world.database, taker, ['a'])
    await run(world.database, 'insert into replaced values (2)')
    expect(await changes(world.database, taker, ['a'])).toEqual(['0 null', '1 2'])
    expect(await capture.inspect(world.database, taker.stableName)).toEqual([])
  })
})

describe('inspect', () => {
  const kinds = async (source: SourceIdentifier) =>
    (await capture.inspect(world.database, source.stableName)).map(({ kind }) => kind)

  test.each([
    ['a dropped trigger', 'trigger_missing', 'drop trigger freshet_update_STABLE on TABLE'],
    ['a disabled trigger', 'trigger_missing', 'alter table TABLE disable trigger user'],
    ['a replica trigger', 'trigger_missing', 'alter table TABLE enable replica trigger freshet_insert_STABLE'],
    ['a dropped function', 'trigger_missing', 'drop function freshet_changes.capture_update_STABLE cascade'],
    ['a dropped buffer', 'buffer_missing', 'drop view freshet_changes.changes_STABLE'],
    ['dropped sizes', 'buffer_missing', 'drop view freshet_changes.sizes_STABLE'],
    ['a dropped log', 'buffer_missing', 'drop table freshet_changes.log_STABLE cascade'],
    ['a dropped column', 'column_changed', 'alter table TABLE drop a'],
    ['a renamed column', 'column_changed', 'alter table TABLE rename a to z'],
    ['a retyped column', 'column_changed', 'alter table TABLE alter a type bigint'],
    ['a dropped source', 'source_dropped', 'drop table TABLE'],
  ])('%s is %s', async (what, kind, ddl) => {
    const name = what.replaceAll(' ', '_')
    const { source } = await captured(name, 'a int, b int', ['a', 'b'])
    expect(await kinds(source)).toEqual([])
    await run(world.database, ddl.replaceAll('STABLE', source.stableName).replaceAll('TABLE', name))
    expect(new Set(await kinds(source))).toEqual(new Set([kind]))
    if (kind === 'source_dropped') {
      await expect(capture.ensure(world.database, source, ['b'])).rejects.toMatchObject({ code: 'UNKNOWN_RELATION' })
      return
    }
    // mending leaves a marker: changes may have been missed
    await capture.ensure(world.database, source, ['b'])
    expect(await kinds(source)).toEqual([])
    await run(world.database, `insert into ${name} (b) values (7)`)
    expect(await changes(world.database, source, ['b'])).toEqual(['0 null', '1 7'])
  })

  test('a renamed source is still captured, under the name it had', async () => {
    const { source } = await captured('before', 'a int', ['a'])
    await run(world.database, 'alter table before rename to after')
    expect(await kinds(source)).toEqual([])
    await run(world.database, 'insert into after values (1)')
    expect(await changes(world.database, source, ['a'])).toEqual(['1 1'])
  })

  test('a source that nobody captured', async () => {
    expect(await capture.inspect(world.database, '0123456789abcdef')).toMatchObject([{ kind: 'buffer_missing' }])
  })
})

test('release removes everything, also when the source is gone, and can be repeated', async () => {
  const { source } = await captured('released', 'a int', ['a'])
  await run(world.database, 'insert into released values (1)')
  await capture.release(world.database, source.stableName)
  expect(await objects(source.stableName)).toEqual([])
  await run(world.database, 'insert into released values (2)')
  await capture.release(world.database, source.stableName)
  await capture.ensure(world.database, source, ['a'])
  await run(world.database, 'drop table released')
  await capture.release(world.database, source.stableName)
  expect(await objects(source.stableName)).toEqual([])
})

describe('trim', () => {
  const snapshot = async () => {
    const [row] = await world.database.query<{ now: string }>(raw('select pg_current_snapshot()::text as now'))
    return parseSnapshot(row?.now ?? '')
  }

  test('takes what everybody has read, in batches, and nothing else', async () => {
    const { source } = await captured('trimmed', 'a int', ['a'])
    const open = await world.client()
    await open.query('begin; insert into trimmed values (0)')
    for (let i = 1; i <= 5; i++) await run(world.database, `insert into trimmed values (${i})`)
    await run(world.database, 'insert into trimmed select generate_series(6, 20)')
    const consumed = await snapshot()
    await run(world.database, 'insert into trimmed values (10)')
    await open.query('commit')
    expect(await capture.trim(world.database, source.stableName, consumed, 2)).toBe(2)
    expect(await capture.trim(world.database, source.stableName, consumed, 100)).toBe(12)
    expect(await capture.trim(world.database, source.stableName, consumed, 100)).toBe(0)
    expect(await changes(world.database, source, ['a'])).toEqual(['1 0', '1 10'])
    expect(await capture.trim(world.database, source.stableName, await snapshot(), 1)).toBe(1)
    expect(await capture.trim(world.database, source.stableName, await snapshot(), 1)).toBe(1)
    expect(await written(world.database, source)).toEqual({ log: 0, packs: 0 })
  })

  test('of a stream table’s own buffer, and of none', async () => {
    const stable = 'fedcba9876543210'
    await run(
      world.database,
      `create table freshet_changes.changes_${stable} (__x xid8 default pg_current_xact_id(), __w smallint)`,
    )
    await run(world.database, `insert into freshet_changes.changes_${stable} (__w) values (1), (-1)`)
    expect(await capture.trim(world.database, stable, await snapshot(), 100)).toBe(2)
    await capture.release(world.database, stable)
    expect(await objects(stable)).toEqual([])
    expect(await capture.trim(world.database, stable, await snapshot(), 100)).toBe(0)
  })

  test('by several at once', async () => {
    const { source } = await captured('crowded', 'a int', ['a'])
    await clear(world.database, source)
    await world.database.transaction(async (transaction) => {
      for (let i = 0; i < 50; i++) await transaction.query(raw(`insert into crowded values (${i})`))
    })
    const consumed = await snapshot()
    const counts = await Promise.all(
      [1, 2, 3].map(() => capture.trim(world.database, source.stableName, consumed, 100)),
    )
    expect(counts.reduce((sum, count) => sum + count)).toBe(50)
  })
})
