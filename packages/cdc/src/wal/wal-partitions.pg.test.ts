import { raw, type SourceIdentifier, sql } from '@freshet/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { changes, partitionedTable, run, sumLaw } from '../capture.fixture.ts'
import { changeCapture } from '../capture.ts'
import { logTable, packTable } from '../capture-names.ts'
import { walWorld, type WalWorld } from './wal.fixture.ts'

/** Partitions and children, each published by itself: a row comes once, whichever table its statement named. */
const capture = changeCapture()
let world: WalWorld

beforeAll(async () => {
  world = await walWorld()
  world.start()
})
afterAll(() => world.drop())

const COLUMNS = ['a', 'b']

const partitioned = (name: string) => world.captured(partitionedTable(name), name, COLUMNS)

/** After the stream has brought all that was done. */
async function empty(source: SourceIdentifier): Promise<void> {
  await run(world.database, 'select freshet.await_wal(pg_current_snapshot())')
  for (const table of [logTable(source.stableName), packTable(source.stableName)])
    await world.database.query(sql`delete from ${table}`)
}

async function left(source: SourceIdentifier, statement: string): Promise<string[]> {
  await empty(source)
  await run(world.database, statement)
  return changes(world.database, source, COLUMNS)
}

async function published(name: string): Promise<string[]> {
  const rows = await world.database.query<{ line: string }>(
    raw(`select concat_ws(' ', c.relname, c.relreplident, p.oid is not null) as line from pg_class c
      left join pg_publication_rel p on p.prrelid = c.oid where c.relname like '${name}%' and c.relkind = 'r' order by 1`),
  )
  return rows.map(({ line }) => line)
}

test('writes through the root, a middle table and a partition, each row once; rows that move', async () => {
  const source = await partitioned('tree')
  expect(await left(source, `insert into tree values (1, 1, 'l'), (2, 20, 'x'), (3, 30, 'y')`)).toEqual([
    '1 1,l',
    '1 20,x',
    '1 30,y',
  ])
  expect(await left(source, `insert into tree_high values (4, 40, 'y')`)).toEqual(['1 40,y'])
  expect(await left(source, `insert into tree_y (id, a, b) values (5, 50, 'y')`)).toEqual(['1 50,y'])
  expect(await left(source, `update tree_high set id = 0`)).toEqual([])
  expect(await left(source, `update tree set a = 15, b = 'x' where a = 1`)).toEqual(['-1 1,l', '1 15,x'])
  expect(await left(source, `delete from tree_x where a = 20`)).toEqual(['-1 20,x'])
  expect(await left(source, `truncate tree_low`)).toEqual(['0 null,null'])
  expect(new Set(await left(source, `truncate tree`))).toEqual(new Set(['0 null,null']))
  expect(await capture.inspect(world.database, source.stableName)).toEqual([])
})

test('a child of two parents is captured for both, with columns of its own', async () => {
  const create = `create table mother (a int, b text); create table father (b text, a int);
    create table child (extra int) inherits (mother, father)`
  const mother = await world.captured(create, 'mother', COLUMNS)
  const father = await world.captured('select 1', 'father', COLUMNS)
  const wrong = [await sumLaw(world.database, mother, COLUMNS), await sumLaw(world.database, father, COLUMNS)]
  await run(world.database, `insert into child values (1, 'c', 5)`)
  await run(
    world.database,
    `insert into mother values (2, 'm'); insert into father values ('f', 3); update mother set a = a + 1`,
  )
  for (const differences of wrong) expect(await differences()).toBe(0)
  await capture.release(world.database, mother.stableName)
  expect(await published('child')).toEqual(['child f t'])
  await run(world.database, 'delete from mother')
  expect(await wrong[1]?.()).toBe(0)
  await capture.release(world.database, father.stableName)
  expect(await published('child')).toEqual(['child d f'])
})

test.each([
  ['attached', 'create table X_z partition of X_high default', 'X_z became a part of public.X'],
  ['detached', 'alter table X detach partition X_low', 'left it'],
  ['dropped', 'drop table X_low', 'left it'],
  ['unpublished', 'alter publication freshet drop table X_y', 'X_y left the publication'],
  ['identified', 'alter table X_y replica identity default', 'replica identity of public.X_y'],
])('a partition %s is noticed, and mended with a marker', async (what, ddl, detail) => {
  const source = await partitioned(what)
  await left(source, `insert into ${what} values (1, 1, 'l'), (2, 20, 'x')`)
  await run(world.database, ddl.replaceAll('X', what))
  expect((await capture.inspect(world.database, source.stableName)).map((fault) => fault.detail)).toEqual([
    expect.stringContaining(detail.replaceAll('X', what)) as string,
  ])
  // nobody's writes fail meanwhile
  if (what === 'attached')
    await run(
      world.database,
      `insert into ${what} values (5, 50, 'q'); update ${what} set a = 51 where id = 5; delete from ${what} where id = 5`,
    )
  await capture.ensure(world.database, source, ['a'])
  expect(await capture.inspect(world.database, source.stableName)).toEqual([])
  await run(world.database, `insert into ${what} values (3, 30, 'y')`)
  expect(await changes(world.database, source, COLUMNS)).toEqual(['0 null,null', '1 30,y'])
  if (what === 'detached') {
    expect(await published('detached_low')).toEqual(['detached_low d f'])
    expect(await left(source, `insert into detached_low values (9, 9, 'l')`)).toEqual([])
  }
  await capture.release(world.database, source.stableName)
  expect((await published(what)).filter((line) => !line.endsWith(' d f'))).toEqual([])
})

test('switched to triggers and back, each part with the replica identity that it had', async () => {
  const source = await partitioned('turned')
  await run(world.database, `alter table turned_x replica identity nothing`)
  await capture.ensure(world.database, source, COLUMNS)
  for (const via of ['trigger', 'wal', 'trigger'] as const) {
    // triggers' log stays when the stream goes on with it; the other way round readers recompute
    const wrong = via === 'wal' ? await sumLaw(world.database, source, COLUMNS) : null
    if (wrong !== null) await empty(source)
    const write = async (a: number) => {
      await run(world.database, `insert into turned values (1, 1, 'l'), (2, 20, 'x'), (3, 30, 'y')`)
      await run(world.database, `update turned set a = ${a} where a = 1; delete from turned where id = 2`)
    }
    await write(2)
    await capture.ensure(world.database, source, COLUMNS, { via })
    await write(3)
    if (wrong !== null) expect(await wrong()).toBe(0)
    expect(await published('turned')).toEqual(
      via === 'wal'
        ? ['turned_low f t', 'turned_x f t', 'turned_y f t']
        : ['turned_low d f', 'turned_x n f', 'turned_y d f'],
    )
  }
})
