import { bufferTable, identifier, raw, sql } from '@freshet/core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../capture.fixture.ts'
import { logTable } from '../capture-names.ts'
import { walWorld, type WalWorld } from './wal.fixture.ts'

/** Every type passes through the stream as what it is: the log holds the same binary image as the table. */
let world: WalWorld

beforeAll(async () => {
  world = await walWorld()
  world.start()
  await run(
    world.database,
    `create type "Mood é" as enum ('so ''so''', 'good, "very"', 'été');
    create domain short as varchar(40) check (value <> 'never');
    create domain shorter as short;
    create type pair as (a int, "b B" text);
    create type nested as (p pair, list pair[]);
    create type span as range (subtype = timestamptz);`,
  )
})
afterAll(() => world.drop())

const VALUES: Readonly<Record<string, readonly string[]>> = {
  text: [
    `''`,
    `'null'`,
    `'a,b'`,
    `'a"b\\c''d'`,
    `E'line\\nbreak\\ttab'`,
    `'日本 🌊 é'`,
    `'{}'`,
    `'(,)'`,
    `repeat('long ', 3000)`,
  ],
  shorter: [`'x'`, `''`],
  'char(7)': [`'ab '`],
  '"char"': [`'c'`],
  name: [`'n'`],
  boolean: ['true', 'false'],
  smallint: ['-32768'],
  bigint: ['9223372036854775807'],
  numeric: [`'NaN'`, `'Infinity'`, '1.0', '1.00', '-0.000000000000000000000000000001', `repeat('9', 900)::numeric`],
  'numeric(12,3)': ['1.5'],
  real: [`'NaN'`, `'-0'`, '1.1', '1e-40'],
  float8: ['0.1', `'-0'`, '1e308', '0.1::float8 + 0.2', `'-Infinity'`],
  money: [`'12.34'`],
  timestamptz: [
    `'2024-02-29 23:59:59.999999+02'`,
    `'0044-03-15 12:00:00.000001 BC'`,
    `'infinity'`,
    `'1883-11-18 12:03:58 America/New_York'`,
  ],
  timestamp: [`'2024-02-29 23:59:59.123456'`],
  date: [`'4714-11-24 BC'`, `'5874897-12-31'`],
  timetz: [`'23:59:59.999999+13:59'`],
  interval: [`'1 year -2 days 03:04:05.000006'`, `'-1 mon'`],
  bytea: [`'\\x00ff5c22'`, `''`],
  uuid: [`'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'`],
  json: [`'{"b" : 1,   "a": "x\\"y", "b":2}'`],
  jsonb: [`'{"b": [1, null, "\\\\"]}'`],
  xml: [`'<a b="c">é</a>'`],
  'int[]': [`'{1,NULL,3}'`, `'[2:3]={7,8}'`, `'{}'`, `'{{1,2},{3,4}}'`],
  'text[]': [`array['a,b', 'c"d', '\\', '', null, 'NULL', '{}']`],
  'timestamptz[]': [`array['2024-01-01 00:00:00.000001+00'::timestamptz]`],
  'numeric[]': [`'{NaN,1.00}'`],
  pair: [`row(1, 'x,"y"')`, `row(null, null)`, `row(1, '')`],
  nested: [`row(row(1, '\\'), array[row(2, '"')::pair, null])`],
  'pair[]': [`array[row(1, '{}')::pair]`],
  '"Mood é"': [`'so ''so'''`, `'good, "very"'`, `'été'`],
  '"Mood é"[]': [`'{été}'`],
  int4range: [`'[1,5)'`, `'empty'`, `'(,)'`],
  span: [`'["2024-01-01 00:00:00.000001+00",)'`],
  int4multirange: [`'{[1,2),[5,9)}'`],
  inet: [`'10.0.0.1/8'`],
  macaddr: [`'08:00:2b:01:02:03'`],
  point: [`'(0.1,-0)'`],
  polygon: [`'((0,0),(1,1),(1,0))'`],
  'bit(4)': [`'1010'`],
  varbit: [`''`, `'101'`],
  tsvector: [`'''a b'':1A c:2'`],
  tsquery: [`'a & !''b c'''`],
  regclass: [`'pg_class'`, `'freshet.source'`],
  pg_lsn: [`'1/ABCDEF0'`],
  xid8: [`'18446744073709551615'`],
  oidvector: [`'1 2 3'`],
  int2vector: [`'1 2'`],
}

test.each(Object.entries(VALUES))('%s', async (type, values) => {
  const column = `c ${Object.keys(VALUES).indexOf(type)} "é`
  const name = `of ${type.replaceAll('"', '')}`
  const c = identifier(column).text
  const t = identifier(name).text
  const source = await world.captured(`create table ${t} (id int primary key, ${c} ${type})`, t, ['id', column])
  const list = [...values, 'null']
  await run(world.database, list.map((value, i) => `insert into ${t} values (${i}, (${value})::${type})`).join(';'))
  const buffer = bufferTable(source.stableName).text
  const same = await world.database.query(
    raw(`select b.__w, t.id, record_image_eq(row(t.${c}::${type}), row(b.${c}::${type})) as same
      from ${t} t left join ${buffer} b using (id) order by id`),
  )
  expect(same).toEqual(list.map((_, id) => ({ __w: 1, id, same: true })))
})

test('a value out of line that did not change is that of the old row, and is not taken for null', async () => {
  const create =
    'create table long (id int primary key, big text, n int); alter table long alter big set storage external'
  const source = await world.captured(create, 'long', ['id', 'big', 'n'])
  const left = async (statement: string) => {
    await world.database.query(sql`delete from ${logTable(source.stableName)}`)
    await run(world.database, statement)
    return world.database.query(
      raw(`select __w, length(big) as length, n from ${bufferTable(source.stableName).text} order by __w`),
    )
  }
  expect(await left(`insert into long values (1, repeat('x', 100000), 1)`)).toEqual([{ __w: 1, length: 100_000, n: 1 }])
  expect(await left('update long set n = 2')).toEqual([
    { __w: -1, length: 100_000, n: 1 },
    { __w: 1, length: 100_000, n: 2 },
  ])
  expect(await left('update long set big = null')).toEqual([
    { __w: -1, length: 100_000, n: 2 },
    { __w: 1, length: null, n: 2 },
  ])
})
