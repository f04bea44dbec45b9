import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** Values of every kind: as columns that pass through, as group keys, in DISTINCT, in a bag, as join keys. */
let world: World
beforeAll(async () => {
  world = await createWorld()
  await world.run(`create schema kinds; create type kinds.mood as enum ('sad', 'ok', 'happy'); create type kinds.pair as (a int, b text);
    create domain kinds.positive as numeric check (value > 0); create domain kinds.word as text;
    create collation kinds.nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
    create type kinds.measure as ("How much" numeric, what kinds.pair, at float8[]);
    create type kinds.label as (word text collate kinds.nocase)`)
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

interface Kind {
  readonly type: string
  /** Values, some of them equal though not the same. */
  readonly values: readonly string[]
  /** It can not be grouped by differentially, and this is the reason. */
  readonly group?: string
}

const KINDS: Readonly<Record<string, Kind>> = {
  integer: { type: 'int', values: ['1', '2', '-3'] },
  boolean: { type: 'boolean', values: ['true', 'false', 'true'] },
  text: { type: 'text', values: [`'a'`, `''`, `'ä b'`] },
  'very long text': {
    type: 'text',
    values: [
      `(select string_agg(md5(i::text), '') from generate_series(1, 300) i)`,
      `repeat('x', 9000)`,
      `repeat('x', 9001)`,
    ],
  },
  varchar: { type: 'varchar(20)', values: [`'a'`, `'a '`, `'b'`] },
  'char(n)': { type: 'char(5)', values: [`'a'`, `'a  '`, `'b'`] },
  numeric: { type: 'numeric', values: ['1', '1.000', '1e-20', `'NaN'`, `'Infinity'`] },
  'numeric with a scale': { type: 'numeric(8,2)', values: ['1', '1.5', '-99999.99'] },
  float: { type: 'float8', values: ['0.1', `'-0'`, '0', `'NaN'`, `'-Infinity'`] },
  real: { type: 'real', values: ['0.1', `'-0'`, '0', `'NaN'`] },
  interval: { type: 'interval', values: [`'1 month'`, `'30 days'`, `'720 hours'`, `'-1 year 3 days'`] },
  'date and time': { type: 'timestamptz', values: [`'2024-01-01 00:00+00'`, `'2024-01-01 02:00+02'`, `'infinity'`] },
  'time with a zone': { type: 'timetz', values: [`'10:00+00'`, `'12:00+02'`] },
  uuid: { type: 'uuid', values: [`'00000000-0000-0000-0000-000000000001'`, `'A0000000-0000-0000-0000-000000000001'`] },
  bytea: { type: 'bytea', values: [`'\\x00ff'`, `'\\x'`] },
  'network address': { type: 'inet', values: [`'10.0.0.1'`, `'10.0.0.1/32'`, `'::1'`] },
  bits: { type: 'varbit', values: [`B'101'`, `B''`] },
  money: { type: 'money', values: [`1.25`, `(-3)`] },
  enum: { type: 'kinds.mood', values: [`'sad'`, `'ok'`, `'happy'`] },
  domain: { type: 'kinds.positive', values: ['1', '1.00', '2'] },
  'domain over text': { type: 'kinds.word', values: [`'a'`, `'b'`] },
  array: { type: 'int[]', values: [`'{1,2}'`, `'{}'`, `'{{1},{2}}'`, `'{null}'`] },
  'array of texts': { type: 'text[]', values: [`'{a,b}'`, `'{}'`, `'{NULL,"NULL"}'`] },
  'array of numerics': {
    type: 'numeric[]',
    values: [`'{1.0}'`, `'{1.00}'`, `'{2}'`, `'{{1},{null}}'`, `'{{1.0,null}}'`, `'[2:3]={1,null}'`, `'{}'`],
  },
  range: { type: 'int4range', values: [`'[1,3)'`, `'[1,2]'`, `'empty'`] },
  multirange: { type: 'int4multirange', values: [`'{[1,3),[5,9)}'`, `'{}'`] },
  'range of numerics': {
    type: 'numrange',
    values: [`'[1.0,2]'`, `'[1.00,2]'`, `'(1,2]'`, `'[1,2)'`, `'(,2]'`, `'[1,)'`, `'(,)'`, `'empty'`],
  },
  'multirange of numerics': {
    type: 'nummultirange',
    values: [`'{[1.0,2],[3,4)}'`, `'{[1.00,2],[3,4.0)}'`, `'{[1,2]}'`, `'{}'`, `'{(,1],[2,)}'`],
  },
  jsonb: {
    type: 'jsonb',
    values: [`'{"a": 1, "b": [1.0, null]}'`, `'{"b": [1.00, null], "a": 1}'`, `'null'`],
  },
  composite: {
    type: 'kinds.pair',
    values: [`row(1, 'a')::kinds.pair`, `row(null, null)::kinds.pair`, `row(null, 'a')::kinds.pair`],
  },
  'composite of numbers': {
    type: 'kinds.measure',
    values: [
      `row(1.0, row(1, 'a'), '{0}')::kinds.measure`,
      `row(1.00, row(1, 'a'), '{-0}')::kinds.measure`,
      `row(1, row(null, null), null)::kinds.measure`,
      `row(1, null, null)::kinds.measure`,
      `row(null, null, null)::kinds.measure`,
    ],
  },
  'array of composites': {
    type: 'kinds.measure[]',
    values: [
      `array[row(1.0, null, '{1}'), null]::kinds.measure[]`,
      `array[row(1, null, '{1}'), null]::kinds.measure[]`,
      `array[row(1, null, null), row(null, null, null)]::kinds.measure[]`,
    ],
  },
  'composite of text without case': {
    type: 'kinds.label',
    values: [`row('a')::kinds.label`, `row('A')::kinds.label`],
    group: 'KEY_TYPE',
  },
  'collation without case': { type: 'text collate kinds.nocase', values: [`'a'`, `'A'`, `'b'`], group: 'KEY_TYPE' },
  'text search': { type: 'tsvector', values: [`'a b'::tsvector`, `'b a'::tsvector`] },
}

const fill = (type: string, values: readonly string[]) => `
  create table t (id int primary key, v ${type}, g int);
  create table u (v ${type}, name text);
  insert into t select row_number() over (), v, row_number() over () % 2 from (values ${[...values, ...values, 'null'].map((value) => `(${value}::${type.replace(/ collate .*/, '')})`).join(', ')}) x(v);
  insert into u select v, 'n' || id from t`

const changes = (values: readonly string[]) => {
  const [first = 'null', second = 'null'] = values
  return [
    `insert into t values (100, ${first}, 1), (101, ${first}, 1), (102, null, 1), (103, ${second}, null)`,
    ...values.slice(0, 3).map((value, i) => `update t set v = ${value} where id in (${i + 1}, 100)`),
    `update t set v = null where id = 2; update u set v = ${second}; insert into u values (null, 'x'), (${first}, 'x'); delete from t where id % 3 = 0`,
    `delete from t where id > 1`,
  ]
}

test.each(Object.entries(KINDS))('%s: as a key of groups, of rows and of joins', async (_, { type, values, group }) => {
  await world.run(fill(type, values))
  await world.stream('joined', 'select t.id, u.name from t join u on t.v = u.v')
  const why = group === undefined ? {} : { full: group }
  await world.stream('grouped', 'select v, count(*) as n, max(id) as last from t group by v', why)
  if (group === undefined) await world.stream('distinct_values', 'select distinct v from t')
  await world.step(...changes(values))
})

test('all of them pass through, exactly', async () => {
  const kinds = Object.values(KINDS)
  await world.run(
    `create table t (id int primary key, ${kinds.map(({ type }, i) => `v${i} ${type}`).join(', ')}); insert into t (id) values (1), (2), (3), (4)`,
  )
  await world.stream('kept', 'select * from t', { exact: true })
  await world.stream('bag', `select ${kinds.map((_, i) => `v${i}`).join(', ')} from t`, { exact: true })
  const set = (n: number) => kinds.map(({ values }, i) => `v${i} = ${values[n % values.length]}`).join(', ')
  for (const n of [0, 1, 2, 3, 4]) await world.step(`update t set ${set(n)} where id in (1, ${2 + (n % 3)})`)
  await world.step(
    `insert into t select id + 10, ${kinds.map((_, i) => `v${i}`).join(', ')} from t`,
    `delete from t where id < 3`,
  )
})

describe('types without equality', () => {
  test.each([
    ['json', 'json', [`'{"a":1}'`, `'{"a": 1}'`, `'null'`]],
    ['xml', 'xml', [`'<a/>'`, `'<a></a>'`]],
    ['point', 'point', [`'(1,2)'`, `'(1,3)'`]],
    ['array of points', 'point[]', [`'{"(1,2)"}'`, `'{}'`]],
  ])('%s passes through', async (_, type, values) => {
    await world.run(fill(type, values))
    await world.stream('kept', 'select id, v from t')
    await world.stream('bag', 'select v from t')
    await world.stream('rest', 'select g, count(v) as n, min(id) as first from t group by g')
    await world.step(...changes(values))
  })
})

test('a composite value of nulls is not null', async () => {
  await world.run(`create table t (id int primary key, v kinds.pair, n int);
    insert into t select i, row(null, null)::kinds.pair, i from generate_series(1, 3) i;
    insert into t select i, null, i from generate_series(4, 6) i`)
  await world.stream('most', 'select v, max(n) as most, count(*) as n from t group by v')
  await world.stream('numbered', 'select id, row_number() over (partition by v order by n) as i from t')
  await world.step(`delete from t where id = 3`, `delete from t where id = 6`, `update t set v = null where id = 2`)
})

test('a composite type whose fields are renamed', async () => {
  await world.run(`create type kinds.price as (amount numeric, currency text); create table t (id int primary key, v kinds.price);
    insert into t values (1, row(1.0, 'a')), (2, row(1.00, 'a')), (3, row(2, 'b'))`)
  const grouped = await world.stream('grouped', 'select v, count(*) as n from t group by v')
  await world.run(`alter type kinds.price rename attribute amount to quantity`)
  expect(await world.refresh(grouped)).toMatchObject({ action: 'full', reason: 'SOURCE_CHANGED' })
  await world.step(`insert into t values (4, row(1, 'a'))`, `delete from t where id < 3`)
  await world.clear()
  await world.run('drop type kinds.price')
})

test('a group key that is not shown, and a stream table over groups', async () => {
  await world.run(fill('numeric', ['1', '1.000', `'NaN'`]))
  await world.stream('hidden', 'select count(*) as n, count(v) as c from t group by v, g')
  await world.stream('grouped', 'select v, count(*) as n from t group by v')
  await world.stream('above', 'select n, count(*) as many from grouped group by n')
  await world.step(...changes(['1', '1.000', `'NaN'`]), 'delete from t')
})

test('generated, identity and dropped columns', async () => {
  await world.run(`create table t (id int generated always as identity primary key, gone int, a int, twice int generated always as (a * 2) stored, b text default 'b');
    insert into t (a) values (1), (2); alter table t drop column gone`)
  await world.stream('kept', 'select * from t')
  await world.stream('summed', 'select sum(twice) as s, count(*) as n from t')
  await world.step(
    `insert into t (a) values (3), (null)`,
    `update t set a = a + 1`,
    `delete from t where id = 1`,
    `update t set b = 'c'`,
  )
})

test('citext, where the server has it', async () => {
  const [available] = await world.rows(
    `select exists (select from pg_available_extensions where name = 'citext') as has`,
  )
  expect(available).toEqual({ has: true })
  await world.run(`create extension citext with schema public`)
  await world.run(fill('citext', [`'a'`, `'A'`, `'b'`]))
  await world.stream('kept', 'select id, v from t', { exact: true })
  await world.stream('grouped', 'select v, count(*) as n from t group by v', { full: 'KEY_TYPE' })
  await world.stream('least', 'select g, min(v) as m from t group by g')
  await world.stream('joined', 'select t.id, u.name from t join u on t.v = u.v')
  await world.step(...changes([`'a'`, `'A'`, `'b'`]))
})

test('collations decide what is equal, less and least, in a delta too', async () => {
  await world.run(`create domain kinds.name_of as text collate "en-x-icu";
    create table t (id int primary key, v text collate "en-x-icu", w kinds.name_of, x text collate kinds.nocase, y text);
    insert into t values (1, 'a', 'a', 'a', 'a'), (2, 'B', 'B', 'A', 'B')`)
  await world.stream('less', `select id, v, y from t where v < 'B' or w < 'B'`)
  await world.stream('least', `select min(v) as v, max(w) as w, min(y) as y from t`)
  await world.stream('same', `select a.id, b.id as other from t a join t b on a.x = b.x`)
  await world.stream('upon', `select l.id, m.v from less l join least m on l.v <= m.v`)
  await world.step(
    `insert into t values (3, 'A', 'A', 'b', 'A'), (4, 'b', 'b', 'B', 'b')`,
    `update t set v = 'C', w = 'c', x = 'C', y = 'c' where id = 1`,
    `delete from t where id > 2`,
    `update t set y = 'B', v = 'b', w = 'b', x = 'c'`,
  )
})

test('a group key by its value, not by its picture', async () => {
  await world.run(`create table t (id int primary key, n numeric, f float8, i interval, c char(4));
    insert into t values (1, 1.0, 0, '1 month', 'a')`)
  await world.stream('numbers', 'select n, count(*) as k from t group by n')
  await world.stream('floats', 'select f, count(*) as k from t group by f')
  await world.stream('intervals', 'select i, count(*) as k from t group by i')
  await world.stream('chars', 'select c, count(*) as k from t group by c')
  await world.step(`insert into t values (2, 1.00, '-0', '30 days', 'a   ')`)
  expect(
    await world.rows(
      'select (select count(*) from numbers)::int as n, (select count(*) from floats)::int as f, (select count(*) from intervals)::int as i, (select count(*) from chars)::int as c',
    ),
  ).toEqual([{ n: 1, f: 1, i: 1, c: 1 }])
  await world.step(`delete from t where id = 1`, `delete from t`)
})
