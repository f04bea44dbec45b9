import { connect, type Database, identifier, raw } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { capture, changes, run, sourceOf } from './capture.fixture.ts'

/** An owner that is no superuser captures its tables; writers need no right on Freshet's schemas, and gain none. */
let world: TestDatabase
let owner: Database
let writer: Awaited<ReturnType<TestDatabase['client']>>
let roles: readonly string[] = []

beforeAll(async () => {
  world = await createTestDatabase()
  const name = (role: string) => `${world.name}_${role}`
  roles = [name('owner'), name('writer')]
  const [ownerRole, writerRole] = roles
  await run(
    world.database,
    `create role ${ownerRole} login password 'p'; create role ${writerRole} login password 'p';
    create schema app authorization ${ownerRole};
    grant usage, create on schema freshet, freshet_changes to ${ownerRole};
    grant select, insert, update, delete on all tables in schema freshet to ${ownerRole};
    grant create, temporary on database ${world.name} to ${writerRole};
    grant usage on schema app to ${writerRole}`,
  )
  const url = new URL(world.url)
  url.username = ownerRole ?? ''
  url.password = 'p'
  owner = await connect({ url: url.toString() })
  writer = await world.client({ user: writerRole ?? '', password: 'p' })
})
afterAll(async () => {
  await owner.close()
  await writer.end()
  await run(world.database, roles.map((role) => `drop owned by ${role} cascade; drop role ${role};`).join(' '))
  await world.drop()
})

test('an owner that is no superuser, and a writer without rights on Freshet’s schemas', async () => {
  await run(
    owner,
    `create table app.t (id int, a int); grant select, insert, update, delete, truncate on app.t to ${roles[1]}`,
  )
  const source = await sourceOf(owner, 'app.t')
  await capture.ensure(owner, source, ['id', 'a'])
  await writer.query('insert into app.t values (1, 1)')
  await writer.query('update app.t set a = 2')
  await writer.query('insert into app.t values (2, 2), (3, 3)')
  expect(await changes(owner, source, ['id', 'a'])).toEqual(['-1 1,1', '1 1,1', '1 1,2', '1 2,2', '1 3,3'])
  await writer.query('truncate app.t')
  expect(await changes(owner, source, ['id', 'a'])).toContain('0 null,null')
  for (const statement of [
    `select from freshet_changes.changes_${source.stableName}`,
    `insert into freshet_changes.log_${source.stableName} default values`,
    `select freshet_changes.capture_insert_${source.stableName}()`,
  ]) {
    await expect(writer.query(statement), statement).rejects.toMatchObject({ code: '42501' })
  }
})

test('nobody may hang the function on a table of theirs', async () => {
  await run(owner, 'create table app.guarded (a int)')
  const source = await sourceOf(owner, 'app.guarded')
  await capture.ensure(owner, source, ['a'])
  await run(world.database, `grant usage on schema freshet_changes to ${roles[1]}`)
  await writer.query('create schema mine; create table mine.t (a int)')
  const attach = `create trigger t after insert on mine.t referencing new table as __new for each statement
    execute function freshet_changes.capture_insert_${source.stableName}()`
  await expect(writer.query(attach)).rejects.toMatchObject({ code: '42501' })
  await run(world.database, `revoke usage on schema freshet_changes from ${roles[1]}`)
})

test('what a writer puts in the way runs, if at all, with the writer’s rights', async () => {
  await run(
    owner,
    `create table app.attacked (id int, a numeric, t text); grant select, insert, update, delete on app.attacked to ${roles[1]}`,
  )
  const source = await sourceOf(owner, 'app.attacked')
  await capture.ensure(owner, source, ['id', 'a', 't'])
  // everything that the function calls, under the same names, in the writer's schema and in the temporary one
  const shadows = ['evil', 'pg_temp'].flatMap((schema) => [
    `create function ${schema}.record_image_ne(record, record) returns boolean language plpgsql as $$ begin perform public.caught(); return false; end $$`,
    `create function ${schema}.octet_length(text) returns int language plpgsql as $$ begin perform public.caught(); return 1; end $$`,
    `create function ${schema}.pg_current_xact_id() returns xid8 language plpgsql as $$ begin perform public.caught(); return '1'; end $$`,
    `create function ${schema}.cardinality(anyarray) returns int language plpgsql as $$ begin perform public.caught(); return 1; end $$`,
    `create function ${schema}.same(int, int) returns boolean language plpgsql as $$ begin perform public.caught(); return true; end $$`,
    `create operator ${schema}.= (leftarg = int, rightarg = int, function = ${schema}.same)`,
    ...['=', '<>', '>', '+', '-'].flatMap((operator, i) => [
      `create function ${schema}.operator_${i}(bigint, int) returns ${i < 3 ? 'boolean' : 'bigint'} language plpgsql as $$ begin perform public.caught(); return null; end $$`,
      `create operator ${schema}.${operator} (leftarg = bigint, rightarg = int, function = ${schema}.operator_${i})`,
    ]),
    `create function ${schema}.current_setting(text) returns text language plpgsql as $$ begin perform public.caught(); return ''; end $$`,
    `create function ${schema}.set_config(text, text, boolean) returns text language plpgsql as $$ begin perform public.caught(); return ''; end $$`,
  ])
  await run(
    world.database,
    `create table public.witness (who text); grant insert on public.witness to public;
    create function public.caught() returns void language sql as 'insert into public.witness values (current_user)'`,
  )
  await writer.query('create schema evil; grant usage on schema evil to public')
  for (const statement of shadows) await writer.query(statement)
  await writer.query(
    `create temp table log_${source.stableName} (a int); create temp table __new (id int, a numeric, t text)`,
  )
  await writer.query(`set search_path = evil, pg_temp, pg_catalog, app`)
  await writer.query(`insert into app.attacked values (1, 1, 'x')`)
  await writer.query(`insert into app.attacked values (2, 1, 'x'), (3, 3, 'x')`)
  await writer.query(`update app.attacked set a = 2 where id operator(pg_catalog.=) 1`)
  await writer.query(`update app.attacked set a = 3`)
  await writer.query(`delete from app.attacked`)
  expect(await changes(owner, source, ['id', 'a', 't'])).toHaveLength(3 + 2 + 2 * 2 + 3)
  // more rows than the log takes at once
  await writer.query(`insert into app.attacked select i, 1, 'x' from pg_catalog.generate_series(1, 20) i`)
  await writer.query(`update app.attacked set a = 2`)
  await writer.query(`delete from app.attacked`)
  expect(await changes(owner, source, ['id', 'a', 't'])).toHaveLength(3 + 2 + 2 * 2 + 3 + 20 + 40 + 20)
  expect(await world.database.query(raw('select * from public.witness'))).toEqual([])
  const path = async () => (await writer.query<{ search_path: string }>('show search_path')).rows
  expect(await path()).toEqual([{ search_path: 'evil, pg_temp, pg_catalog, app' }])
  // the writer's path is the writer's: set for a session in the middle of a transaction, or for the transaction only
  const many = `insert into app.attacked select i, 1, 'x' from pg_catalog.generate_series(1, 20) i; delete from app.attacked`
  await writer.query(`begin; set search_path = app, pg_catalog; ${many}`)
  expect(await path()).toEqual([{ search_path: 'app, pg_catalog' }])
  await writer.query('commit')
  expect(await path()).toEqual([{ search_path: 'app, pg_catalog' }])
  await writer.query(`begin; set local search_path = pg_catalog; ${many}; commit`)
  expect(await path()).toEqual([{ search_path: 'app, pg_catalog' }])
  await writer.query('reset search_path')
})

test('missing rights are named before anything is touched', async () => {
  const [ownerRole] = roles
  await run(
    world.database,
    `create table public.foreign_owned (a int); grant select on public.foreign_owned to ${ownerRole}`,
  )
  const source = await sourceOf(world.database, 'public.foreign_owned')
  await expect(capture.ensure(owner, source, ['a'])).rejects.toMatchObject({
    code: 'INSUFFICIENT_PRIVILEGE',
    hint: expect.stringContaining('grant trigger on public.foreign_owned'),
  })
  const left = await world.database.query(
    raw(`select relname from pg_class where relname like '%${source.stableName}%'`),
  )
  expect(left).toEqual([])
  // the right to create triggers is enough: for columns that come later, and to let go again
  await run(
    world.database,
    `grant trigger on public.foreign_owned to ${ownerRole}; alter table public.foreign_owned add b int`,
  )
  await capture.ensure(owner, source, ['a'])
  await capture.ensure(owner, source, ['b'])
  await run(world.database, `insert into public.foreign_owned values (1, 2)`)
  expect(await changes(owner, source, ['a', 'b'])).toEqual(['1 1,2'])
  await capture.release(owner, source.stableName)
  await run(world.database, `insert into ${identifier('public', 'foreign_owned').text} values (1, 2)`)
})
