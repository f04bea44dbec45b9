import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { capture, captured as capturedIn, changes, partitionedTable, run, sourceOf, sumLaw } from './capture.fixture.ts'

/** A statement fires the triggers of the table that it names, whatever partitions it reaches: nothing is doubled. */
let world: TestDatabase

beforeAll(async () => {
  world = await createTestDatabase()
})
afterAll(() => world.drop())

const partitioned = (name: string) => capturedIn(world.database, partitionedTable(name), name, ['a', 'b'])

test('writes through the root, a middle table and a partition, each row once', async () => {
  const { after } = await partitioned('tree')
  expect(await after(`insert into tree values (1, 1, 'l'), (2, 20, 'x'), (3, 30, 'y')`)).toEqual([
    '1 1,l',
    '1 20,x',
    '1 30,y',
  ])
  expect(await after(`insert into tree_high values (4, 40, 'y')`)).toEqual(['1 40,y'])
  expect(await after(`insert into tree_y (id, a, b) values (5, 50, 'y'), (6, 60, 'y')`)).toEqual(['1 50,y', '1 60,y'])
  expect(await after(`update tree_y set a = a + 1 where id = 5`)).toEqual(['-1 50,y', '1 51,y'])
  expect(await after(`update tree_high set id = 0`)).toEqual([])
  expect(await after(`update tree set a = a + 1 where a < 40`)).toEqual([
    '-1 1,l',
    '-1 20,x',
    '-1 30,y',
    '1 2,l',
    '1 21,x',
    '1 31,y',
  ])
  expect(await after(`delete from tree_x`)).toEqual(['-1 21,x'])
  expect(await after(`truncate tree_low`)).toEqual(['0 null,null'])
  expect(new Set(await after(`truncate tree`))).toEqual(new Set(['0 null,null']))
  expect(await capture.inspect(world.database, (await sourceOf(world.database, 'tree')).stableName)).toEqual([])
})

test('a row that moves to another partition', async () => {
  const { after } = await partitioned('moving')
  await after(`insert into moving select g, g, 'x' from generate_series(1, 12) g`)
  expect(await after(`update moving set a = 15 where a = 5`)).toEqual(['-1 5,x', '1 15,x'])
  expect(await after(`update moving set a = 11 - a where a in (1, 10)`)).toEqual([
    '-1 1,x',
    '-1 10,x',
    '1 1,x',
    '1 10,x',
  ])
  // a trigger that swallows rows on their way: one goes and none comes
  await run(
    world.database,
    `create function swallow() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger swallow before insert on moving_x for each row when (new.a = 77) execute function swallow()`,
  )
  expect(await after(`update moving set a = 77 where a = 2`)).toEqual(['-1 2,x'])
  expect(await after(`update moving set a = 77, b = 'x' where a in (3, 4)`)).toEqual(['-1 3,x', '-1 4,x'])
  const { source } = await partitioned('swallowing')
  await run(
    world.database,
    `insert into swallowing select g, g, 'x' from generate_series(1, 9) g;
    create trigger swallow before insert on swallowing_x for each row when (new.a = 77) execute function swallow()`,
  )
  const differences = await sumLaw(world.database, source, ['a', 'b'])
  await run(
    world.database,
    `truncate freshet_changes.log_${source.stableName}, freshet_changes.pack_${source.stableName}`,
  )
  await run(world.database, `update swallowing set a = case when id in (3, 6) then 77 when id = 8 then 88 else a end`)
  expect(await differences()).toBe(0)
})

test('a row of nulls that goes and does not come back', async () => {
  const { after } = await capturedIn(
    world.database,
    `create table hole (id int, a int, b text) partition by list (a);
    create table hole_1 partition of hole for values in (1); create table hole_2 partition of hole for values in (2);
    create function refuse() returns trigger language plpgsql as $$ begin return null; end $$;
    create trigger refuse before insert on hole_2 for each row execute function refuse()`,
    'hole',
    ['b'],
  )
  await after('insert into hole values (1, 1), (2, 1), (3, 1)')
  expect(await after('update hole set a = 2 where id = 1')).toEqual(['-1 null'])
  expect(await after('update hole set a = 2')).toEqual(['-1 null', '-1 null'])
})

test('inheritance: what reads the parent reads the children', async () => {
  const { after } = await capturedIn(
    world.database,
    `create table parent (id int, a int); create table child (extra text) inherits (parent);
    create table grandchild () inherits (child)`,
    'parent',
    ['id', 'a'],
  )
  await after('insert into parent values (1, 1)')
  expect(await after(`insert into child values (2, 2, 'x'), (3, 3, 'y')`)).toEqual(['1 2,2', '1 3,3'])
  expect(await after(`insert into grandchild values (4, 4, 'x')`)).toEqual(['1 4,4'])
  expect(await after('update parent set a = 9 where id > 2')).toEqual(['-1 3,3', '-1 4,4', '1 3,9', '1 4,9'])
  expect(await after(`update child set extra = 'z'`)).toEqual([])
  expect(await after('delete from only parent')).toEqual(['-1 1,1'])
  expect(await after('delete from parent where id = 2')).toEqual(['-1 2,2'])
  expect(await after('delete from grandchild')).toEqual(['-1 4,9'])
})

test.each([
  ['attached', 'create table X_z partition of X_high default', 'X_z became a part of public.X'],
  ['detached', 'alter table X detach partition X_low', 'left it'],
  ['dropped', 'drop table X_low', 'left it'],
  ['disabled', 'alter table X_y disable trigger user', 'missing or disabled on public.X_y'],
])('a partition %s is noticed, and mended with a marker', async (what, ddl, detail) => {
  const { source, after } = await partitioned(what)
  await after(`insert into ${what} values (1, 1, 'l'), (2, 20, 'x')`)
  await run(world.database, ddl.replaceAll('X', what))
  expect(await capture.inspect(world.database, source.stableName)).toMatchObject([
    {
      kind: what === 'disabled' ? 'trigger_missing' : 'partition_uncaptured',
      detail: expect.stringContaining(detail.replaceAll('X', what)),
    },
  ])
  await capture.ensure(world.database, source, ['a'])
  expect(await capture.inspect(world.database, source.stableName)).toEqual([])
  await run(world.database, `insert into ${what} values (3, 30, 'y')`)
  expect(await changes(world.database, source, ['a', 'b'])).toEqual(['0 null,null', '1 30,y'])
  if (what === 'detached') {
    expect(await after(`insert into detached_low values (9, 9, 'l')`)).toEqual([])
  }
})

test('a source that becomes a partition is noticed and can not be mended', async () => {
  const { source } = await capturedIn(world.database, 'create table lone (a int)', 'lone', ['a'])
  await run(
    world.database,
    'create table roof (a int) partition by list (a); alter table roof attach partition lone default',
  )
  expect(await capture.inspect(world.database, source.stableName)).toMatchObject([{ kind: 'partition_uncaptured' }])
  await expect(capture.ensure(world.database, source, ['a'])).rejects.toMatchObject({ code: 'NOT_CAPTURABLE' })
})
