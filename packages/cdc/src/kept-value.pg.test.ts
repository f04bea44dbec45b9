import { raw } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { capture, captured, changes, clear, run } from './capture.fixture.ts'

let test_: TestDatabase

beforeAll(async () => {
  test_ = await createTestDatabase()
  await run(
    test_.database,
    `create type mood as enum ('good', 'bad');
    create type pair as (a int, b text);
    create domain posint as int check (value > 0);
    create domain evenint as posint check (value % 2 = 0)`,
  )
})

afterAll(async () => {
  await test_[Symbol.asyncDispose]()
})

/** Captured as the first type, then of the second, with a value that the first could not hold. */
const RETYPED: readonly (readonly [from: string, to: string, value: string])[] = [
  ['int', 'text', `'a word'`],
  ['int', 'bigint', '1::bigint << 40'],
  ['int', 'smallint', '7'],
  ['int', 'point', `'(1,2)'`],
  ['smallint', 'evenint', '70000'],
  ['bigint', 'numeric', '1e30'],
  ['numeric', 'float8', `'infinity'`],
  ['float8', 'numeric', '1e-300'],
  ['text', 'bytea', `'\\x00ff'`],
  ['text', 'varchar(9)', `'short'`],
  ['text', 'char(3)', `'abc'`],
  ['text', 'name', `'a name'`],
  ['varchar', 'int', '5'],
  ['date', 'text', `'some day'`],
  ['timestamptz', 'timestamp', `'infinity'`],
  ['timestamp', 'date', `'5874897-12-31'`],
  ['int[]', 'bigint[]', 'array[1::bigint << 40]'],
  ['bigint[]', 'int[]', 'array[1]'],
  ['int[]', 'posint[]', 'array[1]::posint[]'],
  ['text[]', 'varchar[]', `array['x']`],
  ['int[]', 'text', `'no array'`],
  ['mood', 'text', `'indifferent'`],
  ['text', 'mood', `'good'`],
  ['pair', 'jsonb', `'{}'`],
  ['jsonb', 'pair', `row(1, 'x')::pair`],
  ['regclass', 'bigint', '1::bigint << 40'],
  ['inet', 'cidr', `'10.0.0.0/8'`],
  ['bit(3)', 'varbit', `'10101'`],
  ['xml', 'text', `'<not xml'`],
  ['int4range', 'text', `'no range'`],
]

describe('a captured column of another type fails no writer, and is told', () => {
  test.each(RETYPED.map(([from, to, value], i) => ({ from, to, value, table: `retyped_${i}` })))(
    '$from → $to',
    async ({ from, to, value, table }) => {
      const { database } = test_
      const { source } = await captured(database, `create table ${table} (id int, v ${from})`, table, ['id', 'v'])
      await run(database, `alter table ${table} alter v type ${to} using null`)
      expect(await capture.inspect(database, source.stableName)).toMatchObject([{ kind: 'column_changed' }])
      await run(
        database,
        `insert into ${table} values (1, ${value}); insert into ${table} select i, ${value} from generate_series(2, 30) as i;
        update ${table} set id = -id where id = 1; update ${table} set v = ${value}, id = id + 100; delete from ${table} where id < 100;
        delete from ${table} where id > 110`,
      )
      // what is kept is right; the other column is told to be lost
      expect(await changes(database, source, ['id'])).toContain('1 1')
      await capture.ensure(database, source, ['id', 'v'])
      expect(await capture.inspect(database, source.stableName)).toEqual([])
      await clear(database, source)
      await run(database, `insert into ${table} values (500, ${value})`)
      const [row] = await database.query<{ text: string }>(raw(`select v::text as text from ${table} where id = 500`))
      expect(await changes(database, source, ['id', 'v'])).toEqual([`1 500,${row?.text ?? ''}`])
    },
  )
})

test('as long as the type is the same, the value is: whatever it is, of domains too, and after a rename of the type', async () => {
  const { database } = test_
  const { source, after } = await captured(
    database,
    `create table same (a mood, b pair, c posint, d evenint, e posint[], f varchar(3), g numeric(4, 1), h "char")`,
    'same',
    ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
  )
  const row = `insert into same values ('good', (1, 'x'), 3, 4, array[5]::posint[], 'abc', 1.5, 'q')`
  expect(await after(row)).toEqual(['1 good,(1,x),3,4,{5},abc,1.5,q'])
  await run(database, `alter type mood rename to feeling; alter type pair rename to couple`)
  expect(await after(row)).toEqual(['1 good,(1,x),3,4,{5},abc,1.5,q'])
  expect(await capture.inspect(database, source.stableName)).toMatchObject([
    { kind: 'column_changed' },
    { kind: 'column_changed' },
  ])
  await run(database, `alter type feeling rename to mood; alter type couple rename to pair`)
})

test('nothing of it is left in the plan of the capture function', async () => {
  const { database } = test_
  const { source } = await captured(database, `create table plain (a int)`, 'plain', ['a'])
  const rows = await database.query<Record<string, string>>(
    raw(`explain (verbose, costs off) select freshet_changes.kept_1_${source.stableName}(a) from plain`),
  )
  expect(JSON.stringify(rows)).not.toContain('kept_')
})
