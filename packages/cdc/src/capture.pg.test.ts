import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { captured as capturedIn, run, sumLaw, written } from './capture.fixture.ts'

/** What a statement leaves in the buffer. */
let world: TestDatabase

beforeAll(async () => {
  world = await createTestDatabase()
})
afterAll(() => world.drop())

const captured = (name: string, definition: string, columns: readonly string[]) =>
  capturedIn(world.database, `create table ${name} (${definition})`, name, columns)

describe('rules', () => {
  test('INSERT is +1, DELETE −1, UPDATE −old +new of the captured columns, TRUNCATE a marker', async () => {
    const { after } = await captured('rules', 'id int, a int, b text, c text', ['a', 'b'])
    expect(await after(`insert into rules values (1, 10, 'x', 'c')`)).toEqual(['1 10,x'])
    expect(await after(`insert into rules values (2, 20, null, 'c'), (3, 30, 'z', 'c')`)).toEqual([
      '1 20,null',
      '1 30,z',
    ])
    expect(await after(`update rules set a = a + 1 where id = 1`)).toEqual(['-1 10,x', '1 11,x'])
    expect(await after(`update rules set a = a + 1 where id > 1`)).toEqual([
      '-1 20,null',
      '-1 30,z',
      '1 21,null',
      '1 31,z',
    ])
    expect(await after(`delete from rules where id = 1`)).toEqual(['-1 11,x'])
    expect(await after(`delete from rules`)).toEqual(['-1 21,null', '-1 31,z'])
    expect(await after(`truncate rules`)).toEqual(['0 null,null'])
    expect(await after(`delete from rules; update rules set a = 1; insert into rules select from rules`)).toEqual([])
  })

  test('an UPDATE leaves nothing for a row whose captured columns kept their image', async () => {
    const { after, source } = await captured('unchanged', 'id int, a numeric, b float8, c text', ['a', 'b'])
    await after(`insert into unchanged select g, g, g from generate_series(1, 100) g`)
    expect(await after(`update unchanged set c = 'touched' where id = 1`)).toEqual([])
    expect(await after(`update unchanged set c = 'touched', a = a`)).toEqual([])
    expect(await written(world.database, source)).toEqual({ log: 0, packs: 0 })
    expect(await after(`update unchanged set a = a + case when id % 50 = 0 then 1 else 0 end`)).toHaveLength(4)
    // equal is not the same
    expect(await after(`update unchanged set a = 1.00 where id = 1`)).toEqual(['-1 1,1', '1 1.00,1'])
    expect(await after(`update unchanged set b = 0 where id = 1`)).toHaveLength(2)
    expect(await after(`update unchanged set b = '-0' where id = 1`)).toEqual(['-1 1.00,0', '1 1.00,-0'])
    expect(await after(`update unchanged set b = 0.0 where id < 3`)).toHaveLength(4)
  })

  test('rows of nothing but nulls are rows', async () => {
    const { after } = await captured('nulls', 'a int, b int', ['a'])
    expect(await after('insert into nulls values (null, 1)')).toEqual(['1 null'])
    expect(await after('insert into nulls values (null, 2), (null, 3)')).toEqual(['1 null', '1 null'])
    expect(await after('update nulls set a = 1 where b = 1')).toEqual(['-1 null', '1 1'])
    expect(await after('update nulls set a = nullif(b, 2)')).toEqual(['-1 null', '1 3'])
    expect(await after('delete from nulls where a is null')).toEqual(['-1 null'])
  })

  test('duplicates without a key keep their multiplicity', async () => {
    const { after } = await captured('bags', 'a int', ['a'])
    expect(await after('insert into bags values (1), (1), (1)')).toEqual(['1 1', '1 1', '1 1'])
    expect(await after('delete from bags where ctid = (select min(ctid) from bags)')).toEqual(['-1 1'])
    expect(await after('update bags set a = 2')).toEqual(['-1 1', '-1 1', '1 2', '1 2'])
  })

  test('no captured column at all: rows count, UPDATEs do not', async () => {
    const { after } = await captured('counted', 'a int', [])
    expect(await after('insert into counted values (1), (2)')).toEqual(['1', '1'])
    expect(await after('update counted set a = 3')).toEqual([])
    expect(await after('delete from counted where a = 3')).toEqual(['-1', '-1'])
    expect(await after('truncate counted')).toEqual(['0'])
  })
})

describe('statements', () => {
  test('COPY', async () => {
    const { source, after } = await captured('copied', 'a int, b text', ['a', 'b'])
    await after('select 1')
    // the server reads a program's output
    expect(await after(`copy copied from program 'seq -f "%g\tx" 1 3'`)).toEqual(['1 1,x', '1 2,x', '1 3,x'])
    expect(await written(world.database, source)).toEqual({ log: 3, packs: 0 })
    expect(await after(`copy copied from program 'seq -f "%g\tx" 1 30'`)).toHaveLength(30)
    expect(await written(world.database, source)).toEqual({ log: 8, packs: 1 })
  })

  test('MERGE: each of its actions', async () => {
    const { after } = await captured('merged', 'id int, a int, b int', ['id', 'a'])
    await after('insert into merged select g, g from generate_series(1, 6) g')
    const merge = `merge into merged using generate_series(4, 8) g on id = g
      when matched and g = 4 then delete
      when matched and g = 5 then update set b = 1
      when matched then update set a = 60
      when not matched then insert values (g, g)`
    expect(await after(merge)).toEqual(['-1 4,4', '-1 6,6', '1 6,60', '1 7,7', '1 8,8'])
  })

  test('ON CONFLICT: inserted and updated rows of one statement', async () => {
    const { after } = await captured('upserted', 'id int primary key, a int', ['id', 'a'])
    await after('insert into upserted values (1, 1)')
    const upsert = 'insert into upserted values (1, 5), (2, 5), (3, 5) on conflict (id) do update set a = excluded.a'
    expect(await after(upsert)).toEqual(['-1 1,1', '1 1,5', '1 2,5', '1 3,5'])
    expect(await after(upsert)).toEqual([])
    expect(await after('insert into upserted values (1, 9) on conflict do nothing')).toEqual([])
  })

  test('foreign keys that cascade', async () => {
    await run(world.database, 'create table owners (id int primary key)')
    const { after } = await captured(
      'owned',
      'owner int references owners on delete cascade on update cascade, other int default 0 references owners on delete set default',
      ['owner', 'other'],
    )
    await after('insert into owners select generate_series(0, 3); insert into owned values (1, 2), (1, 3), (2, 2)')
    expect(await after('update owners set id = 11 where id = 1')).toEqual(['-1 1,2', '-1 1,3', '1 11,2', '1 11,3'])
    expect(await after('delete from owners where id = 3')).toEqual(['-1 11,3', '1 11,0'])
    expect(await after('delete from owners where id = 11')).toEqual(['-1 11,0', '-1 11,2'])
  })

  test('data-modifying CTEs and triggers that write to the same table', async () => {
    const { after } = await captured('nested', 'id int, a int', ['id', 'a'])
    await run(
      world.database,
      `create function nest() returns trigger language plpgsql as $$ begin
        if exists (select from added where id < 100) then
          insert into nested select id + 100, a from added where id < 100;
        end if;
        return null;
      end $$;
      create trigger nest after insert on nested referencing new table as added
        for each statement execute function nest()`,
    )
    expect(await after('insert into nested values (1, 1), (2, 2)')).toEqual(['1 1,1', '1 101,1', '1 102,2', '1 2,2'])
    const cte =
      'with gone as (delete from nested where id = 1 returning *) insert into nested select id + 200, a from gone'
    expect(await after(cte)).toEqual(['-1 1,1', '1 201,1'])
    expect(await after('insert into nested values (3, 3)')).toEqual(['1 103,3', '1 3,3'])
  })
})

describe('columns', () => {
  test('stored, identity and virtual generated columns, in a table with dropped ones', async () => {
    const [row] = await world.database.query<{ version: number }>({
      text: `select current_setting('server_version_num')::int as version`,
      values: [],
    })
    const virtual = (row?.version ?? 0) >= 180_000 ? 'virtual' : 'stored'
    await run(
      world.database,
      `create table generated (gone int, id int generated always as identity, a int, lost text);
      alter table generated drop gone, drop lost`,
    )
    const { after } = await capturedIn(
      world.database,
      `alter table generated add s int generated always as (a * 2) stored, add v int generated always as (a + 1) ${virtual}`,
      'generated',
      ['id', 'a', 's', 'v'],
    )
    expect(await after('insert into generated (a) values (1)')).toEqual(['1 1,1,2,2'])
    expect(await after('insert into generated (a) values (2), (3)')).toEqual(['1 2,2,4,3', '1 3,3,6,4'])
    expect(await after('update generated set a = 10 where a = 1')).toEqual(['-1 1,1,2,2', '1 1,10,20,11'])
    expect(await after('update generated set a = a where a > 1')).toEqual([])
    expect(await after('delete from generated where a < 4')).toEqual(['-1 2,2,4,3', '-1 3,3,6,4'])
  })

  test.each([
    ['domain', 'positive', '1', '2'],
    ['enum', 'mood', `'sad'`, `'ok'`],
    ['array', 'int[]', `'{1,2}'`, `'{{1,2},{3,4}}'`],
    ['domain over an array', 'numbers', `'{1}'`, `'{1,2}'`],
    ['composite', 'pair', `'(1,x)'`, `'(2,"y z")'`],
    ['json', 'json', `'{"a": 1}'`, `'{"a":1}'`],
    ['jsonb', 'jsonb', `'{"a": 1}'`, `'[]'`],
    ['xml', 'xml', `'<a/>'`, `'<b/>'`],
    ['point', 'point', `'(1,2)'`, `'(1,3)'`],
    ['range', 'int4range', `'[1,2)'`, `'empty'`],
    ['varchar', 'varchar(3)', `'a'`, `'b'`],
    ['char', 'char(3)', `'a'`, `'b'`],
    ['bytea', 'bytea', `'\\x01'`, `'\\x02'`],
    ['numeric', 'numeric(5, 2)', '1', '2'],
    ['timestamptz', 'timestamptz', `'2026-01-01'`, `'infinity'`],
    ['interval', 'interval', `'1 day'`, `'24 hours'`],
    ['uuid', 'uuid', `gen_random_uuid()`, `gen_random_uuid()`],
  ])('%s', async (kind, type, one, other) => {
    const { database } = world
    await run(
      database,
      `do $$ begin
        if to_regtype('positive') is null then
          create domain positive as int not null check (value > 0);
          create type mood as enum ('sad', 'ok');
          create domain numbers as int[];
          create type pair as (a int, b text);
        end if;
      end $$`,
    )
    const name = `typed_${kind.replaceAll(' ', '_')}`
    const { source } = await captured(name, `id int, a ${type}`, ['id', 'a'])
    const differences = await sumLaw(database, source, ['id', 'a'])
    for (const statement of [
      `insert into ${name} values (1, ${one})`,
      `insert into ${name} select g, ${other} from generate_series(2, 6) g`,
      `update ${name} set a = ${other} where id = 1`,
      `update ${name} set a = ${one} where id > 3`,
      `update ${name} set a = a`,
      `delete from ${name} where id = 1`,
      `delete from ${name} where id > 4`,
    ]) {
      await run(database, statement)
      expect(await differences(), statement).toBe(0)
    }
    const [{ rows } = { rows: 0 }] = await database.query<{ rows: number }>({
      text: `select count(*)::int as rows from freshet_changes.changes_${source.stableName}`,
      values: [],
    })
    expect(rows).toBe(6 + 2 + 6 + 3)
  })

  test('names that need quoting, Unicode, 63 bytes, and words of our own', async () => {
    const long = 'ä'.repeat(31) + 'x'
    const columns = [
      'Ä "b"',
      'select',
      long,
      'd',
      'n',
      'o',
      'r',
      'i',
      'c1',
      'new_1',
      'found',
      'changed',
      'packed',
      'page',
      'skipped',
      'freshet',
      'tg_op',
      "it's \\ $$",
    ]
    const quoted = columns.map((column) => `"${column.replaceAll('"', '""')}"`)
    const table = `"Ünï ""${'q'.repeat(50)}"`
    const { after } = await capturedIn(
      world.database,
      `create schema "My.Schema"; create table "My.Schema".${table} (${quoted.map((column) => `${column} int`).join(', ')})`,
      `"My.Schema".${table}`,
      columns,
    )
    const ones = columns.map(() => '1').join()
    const twos = columns.map(() => '2').join()
    const target = `"My.Schema".${table}`
    expect(await after(`insert into ${target} values (${ones})`)).toEqual([`1 ${ones}`])
    expect(await after(`insert into ${target} values (${ones}), (${ones})`)).toEqual([`1 ${ones}`, `1 ${ones}`])
    const set = quoted.map((column) => `${column} = 2`).join()
    expect(await after(`update ${target} set ${set} where ctid = '(0,1)'`)).toEqual([`-1 ${ones}`, `1 ${twos}`])
    expect(await after(`update ${target} set ${set}`)).toHaveLength(4)
    expect(await after(`delete from ${target}`)).toEqual([`-1 ${twos}`, `-1 ${twos}`, `-1 ${twos}`])
  })

  test('a writer goes on when a captured column is dropped, renamed, or declared anew', async () => {
    const { after } = await captured('altered', 'id int, a int, b varchar(3), c text', ['id', 'a', 'b', 'c'])
    await after(`insert into altered values (1, 1, 'x', 'c')`)
    await run(
      world.database,
      'alter table altered drop a; alter table altered rename c to e; alter table altered alter b type text',
    )
    // what has another type is told by a null, and recomputed
    expect(await after(`insert into altered values (2, 'longer', 'c')`)).toEqual(['1 2,null,null,null'])
    expect(await after(`insert into altered select g, 'x', 'c' from generate_series(3, 20) as g`)).toHaveLength(18)
    expect(await after(`update altered set id = -1 where id = 1`)).toHaveLength(2)
    expect(await after(`update altered set b = b || '!', id = id + 1`)).toHaveLength(40)
    expect(await after(`delete from altered`)).toHaveLength(20)
  })
})

describe('packs', () => {
  test('a statement over many rows leaves packs, and their rows in the buffer', async () => {
    const { database } = world
    const { source, after } = await captured('bulk', 'id int primary key, a int, b text, c int', ['id', 'a', 'b'])
    const differences = await sumLaw(database, source, ['id', 'a', 'b'])
    await run(database, `insert into bulk select g, g % 7, nullif(g % 5, 0), 0 from generate_series(1, 300000) g`)
    expect(await written(database, source)).toEqual({ log: 8, packs: 3 })
    await run(database, `update bulk set a = a + 1, c = 1 where id % 3 > 0`)
    await run(database, `update bulk set c = 2`)
    await run(database, `update bulk set b = case when id % 1000 = 0 then 'y' else b end`)
    await run(database, `delete from bulk where id % 4 = 0`)
    expect(await differences()).toBe(0)
    expect(await written(database, source)).toEqual({ log: 8 + 8, packs: 3 + 2 + 3 + 1 })
    expect(await after('update bulk set a = a + case when id % 10000 = 1 then 1 else 0 end')).toHaveLength(2 * 30)
  }, 60_000)

  test('long values are not gathered in memory', async () => {
    const { database } = world
    const { source, after } = await captured('long', 'id int, a text, b bytea', ['id', 'a', 'b'])
    expect(await after(`insert into long select g, repeat('x', 2000) from generate_series(1, 30) g`)).toHaveLength(30)
    expect(await written(database, source)).toEqual({ log: 30, packs: 0 })
    expect(await after(`update long set a = 'short' where id < 3`)).toHaveLength(4)
    expect(await written(database, source)).toEqual({ log: 2, packs: 0 })
    expect(await after(`update long set b = 'short' where id < 3`)).toHaveLength(4)
    expect(await written(database, source)).toEqual({ log: 0, packs: 1 })
    expect(await after(`update long set a = a`)).toEqual([])
    expect(await after(`update long set b = '' where id in (2, 3)`)).toHaveLength(4)
    expect(await after(`delete from long`)).toHaveLength(30)
    expect(await written(database, source)).toEqual({ log: 30, packs: 0 })
  })

  test('where the log ends and a pack begins, no row is lost or doubled', async () => {
    const { source, after } = await captured('edges', 'id int', ['id'])
    for (const rows of [7, 8, 9, 10]) {
      const ids = Array.from({ length: rows }, (_, i) => `${i + 10}`)
      expect(await after(`insert into edges select generate_series(10, ${rows + 9})`)).toEqual(
        ids.map((id) => `1 ${id}`),
      )
      expect(await written(world.database, source)).toEqual({ log: Math.min(rows, 8), packs: rows > 8 ? 1 : 0 })
      expect(await after('delete from edges')).toEqual(ids.map((id) => `-1 ${id}`))
      expect(await written(world.database, source)).toEqual({ log: Math.min(rows, 8), packs: rows > 8 ? 1 : 0 })
    }
  })

  test('the rows of one statement beyond the last pack are in the log, once', async () => {
    const { database } = world
    const { source } = await captured('endless', 'id int', ['id'])
    await run(database, 'insert into endless select generate_series(1, 2200000)')
    await run(database, 'delete from endless where id > 7')
    const [sums] = await database.query({
      text: `select count(*) filter (where __w > 0)::int as new, count(*) filter (where __w < 0)::int as old,
        sum(__w * id)::int as rest from freshet_changes.changes_${source.stableName}`,
      values: [],
    })
    expect(sums).toEqual({ new: 2_200_000, old: 2_199_993, rest: 28 })
  }, 60_000)

  test('who looks for markers reads markers only', async () => {
    const { source } = await captured('marked', 'id int', ['id'])
    const plan = await world.database.query<{ 'QUERY PLAN': string }>({
      text: `explain select from freshet_changes.changes_${source.stableName} where __w = 0 and __x >= '1'`,
      values: [],
    })
    const text = plan.map((line) => line['QUERY PLAN']).join('\n')
    expect(text).toContain(`pack_${source.stableName}`)
    expect(text).not.toContain(`log_${source.stableName}`)
    expect(text).not.toContain('Append')
  })
})
