import { afterAll, afterEach, beforeAll, describe, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** Aggregate functions: those that add up, those whose extremum may leave, those that are computed again. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const FACTS = `
  create table facts (id int primary key, g int, i2 smallint, i4 int, i8 bigint, n numeric, d numeric(10,2), f4 real, f8 float8, b boolean,
    t text, ts timestamptz, span interval, day date, cash money, tags int[], j jsonb, e inet);
  insert into facts select i, nullif(i % 4, 3), i, nullif(i % 5, 0), i * 1000000000000, nullif(i % 6, 0) / 8.0, i / 3.0, i / 3.0, i / 7.0,
    nullif(i % 3, 0) = 1, case when i % 4 > 0 then 't' || i % 5 end, '2024-01-01 00:00+00'::timestamptz + i * interval '7 hours',
    i * interval '1 hour', date '2024-01-01' + i, (i * 1.25)::numeric::money, array[i % 3, i], jsonb_build_object('k', i % 3), ('10.0.0.' || i)::inet
  from generate_series(1, 24) i;`

const CHANGES = [
  `insert into facts (id, g) values (100, 0), (101, 50), (102, null)`,
  `insert into facts (id, g, i2, i4, i8, n, d, f4, f8, b, t, ts, span, day, cash, tags, j, e) values
    (103, 1, 32767, 2147483647, 9223372036854775807, 1e20, 1, 1e10, 1e100, true, 'zz', '2030-01-01', '5 days', '2030-01-01', 7, '{9}', '{"k":9}', '::1'),
    (104, 1, 32767, 2147483647, 9223372036854775807, 1e-20, 2, 1, 1e-100, false, 'aa', '2020-01-01', '-5 days', '2020-01-01', -7, '{}', '{}', '1.1.1.1')`,
  `update facts set i4 = i4 + 1, n = n * 2, f8 = f8 * 1.1, t = t || '+', d = -d where id < 100 and id % 2 = 0`,
  // with the floats: their sum depends on the order of the rows, which an update of other columns changes too
  `update facts set g = (id + 1) % 4, f4 = f4 + 1, f8 = f8 + 1 where id % 5 = 0`,
  `delete from facts where id in (103, 104)`,
  `delete from facts where g = 2`,
  `update facts set i2 = null, i4 = null, i8 = null, n = null, d = null, f4 = null, f8 = null, b = null, t = null, ts = null, span = null, day = null, cash = null, e = null where g = 0`,
  `delete from facts where (g, i4) in (select g, max(i4) from facts group by g)`,
  `delete from facts where (g, i4) in (select g, min(i4) from facts group by g)`,
  `delete from facts`,
  `insert into facts (id, g, i4, n, f8, t, b) values (1, 1, 1, 1.0, 0.1, 'x', true), (2, 1, 2, 1.000, 0.2, 'y', false)`,
  `delete from facts where id = 2`,
]

const CALLS: Readonly<Record<string, string>> = {
  count: 'count(*) as n, count(i4) as i, count(t) as t, count(1) as one, count(g) as c',
  'sum of integers': 'sum(i2) as s2, sum(i4) as s4, sum(i8) as s8',
  'sum of numerics': 'sum(n) as n, sum(d) as d, sum(n * 1.50) as p, sum(n - n) as zero',
  'sum of money and intervals': 'sum(cash) as cash, sum(span) as span, avg(span) as mean',
  'sum of floats': 'sum(f4) as f4, sum(f8) as f8, avg(f4) as a4, avg(f8) as a8',
  average: 'avg(i2) as a2, avg(i4) as a4, avg(i8) as a8, avg(n) as an, avg(d) as ad, avg(n) filter (where b) as ab',
  'minimum and maximum':
    'min(i4) as i1, max(i4) as i2, min(t) as t1, max(t) as t2, min(ts) as ts1, max(ts) as ts2, min(n) as n1, max(n) as n2, min(day) as d1, max(span) as s2',
  'minimum and maximum of other types':
    'min(f8) as f1, max(f8) as f2, min(cash) as c1, max(e) as e2, min(tags) as a1, max(tags) as a2, max(d) as d2',
  'minimum with a filter':
    'min(i4) filter (where b) as m, max(i4) filter (where not b) as x, max(t) filter (where i4 > 2) as y',
  boolean:
    'bool_and(b) as x, bool_or(b) as y, every(i4 > 1) as z, bool_or(t is null) as w, bool_and(b) filter (where i4 > 2) as v',
  'the same call twice': 'sum(i4) as a, sum(i4) as b, sum(i4) + count(*) as c, avg(i4) as d, count(i4) as e',
  texts: `string_agg(t, ',' order by t, id) as s, string_agg(distinct t, '-' order by t) as d, array_agg(t order by id) as a`,
  arrays:
    'array_agg(i4 order by id desc) as a, array_agg(distinct i4) as d, array_agg(tags order by id) filter (where id < 20 and cardinality(tags) = 2) as m',
  distinct: 'count(distinct t) as c, sum(distinct i4) as s, avg(distinct d) as a, max(distinct i4) as m',
  statistics: 'stddev(i4) as s, stddev_pop(n) as p, var_samp(f8) as v, corr(f8, i4) as c, regr_slope(f8, i4) as r',
  'ordered sets': `percentile_cont(0.5) within group (order by i4) as m, mode() within group (order by t) as o, percentile_disc(array[0.1, 0.9]) within group (order by i4) as p`,
  'hypothetical sets': 'rank(3) within group (order by i4) as r, dense_rank(3) within group (order by i4) as d',
  json: 'json_agg(t order by id) as a, jsonb_object_agg(id, t) as o, jsonb_agg(i4 order by id) as b',
  bits: 'bit_and(i4) as a, bit_or(i4) as o, bit_xor(i4) as x',
  'any value, ranges': 'range_agg(int4range(id, id + 2)) as r, range_intersect_agg(int4range(0, id)) as i',
  'expressions in arguments': `sum(case when t is null then 1 else i4::bigint end) as x, min(lower(t) || g) as y, max(i4 * 0.5) as z, sum(abs(d)) as w`,
}

test.each(Object.keys(CALLS))('%s', async (name) => {
  await world.run(FACTS)
  await world.stream('groups', `select g, ${CALLS[name] ?? ''} from facts group by g`)
  await world.stream('everything', `select ${CALLS[name] ?? ''} from facts`)
  await world.step(...CHANGES)
})

describe('special values', () => {
  const NUMBERS = `create table numbers (id int primary key, g int, n numeric, f float8);
    insert into numbers values (1, 1, 1.5, 1.5), (2, 1, 2.25, 2), (3, 2, 3, 3), (4, 3, null, null)`
  const QUERY = `select g, sum(n) as s, avg(n) as a, min(n) as lo, max(n) as hi, sum(f) as fs, avg(f) as fa, max(f) as fx, min(f) as fi, count(n) as c from numbers group by g`

  test.each(['NaN', 'Infinity', '-Infinity'])('numeric %s comes and goes', async (value) => {
    await world.run(NUMBERS)
    await world.stream('answer', QUERY)
    await world.stream('one', QUERY.replace('g, ', '').replace(' group by g', ''))
    await world.step(
      `insert into numbers values (10, 1, '${value}', '${value}'), (11, 3, '${value}', '${value}')`,
      `insert into numbers values (12, 1, '-Infinity', '-Infinity'), (13, 1, 7.125, 7)`,
      `update numbers set n = n where id = 10; delete from numbers where id = 1`,
      `delete from numbers where id = 10`,
      `delete from numbers where id = 12`,
      `delete from numbers`,
      `insert into numbers values (20, 1, '${value}', '${value}')`,
      `update numbers set n = 1, f = 1`,
    )
  })

  test('scales of unconstrained numerics come and go', async () => {
    await world.run(NUMBERS)
    await world.stream('answer', QUERY)
    await world.stream('plain', 'select id, n from numbers', { exact: true })
    await world.stream('bag', 'select n from numbers', { exact: true })
    await world.stream('quotient', 'select g, sum(n) / 7 as s from numbers group by g')
    await world.step(
      `insert into numbers values (10, 1, 1.000000, 0), (11, 2, 1e-30, 0), (12, 2, 123456789012345678901234567890, 0)`,
      `delete from numbers where id = 10`,
      `delete from numbers where id = 11`,
      `update numbers set n = n * 1.000 where id = 12`,
      `update numbers set n = 3.00 where id = 3`,
      `delete from numbers where id = 12`,
    )
  })

  test('the last value with the largest scale leaves, or one of several', async () => {
    const fine = (n: number, scale: number) => `${n}.${'0'.repeat(scale)}`
    await world.run(
      `create table fine (id int primary key, n numeric); insert into fine select i, i * ${fine(1, 30)} from generate_series(1, 5) i`,
    )
    await world.stream('quotient', 'select sum(n) / 7 as s from fine')
    await world.step(
      `delete from fine where id = 1`,
      // a finer one that only passes by, in one window
      `insert into fine values (10, ${fine(1, 40)}); delete from fine where id = 10`,
      `insert into fine values (11, 1); delete from fine where id = 2`,
      // the others leave in the window in which a coarser one arrives
      `delete from fine where id > 1; insert into fine values (12, 2.5)`,
      `insert into fine values (13, ${fine(3, 30)}), (14, ${fine(3, 30)})`,
      `delete from fine where id = 13`,
      `delete from fine where id = 14`,
      `delete from fine`,
      `insert into fine values (15, ${fine(3, 25)}), (16, ${fine(3, 25)})`,
      `delete from fine where id = 15`,
    )
  })

  test('sums beyond 64 bits, and products with weights that overflow', async () => {
    await world.run(
      `create table big (id int, i2 smallint, i4 int, i8 bigint); insert into big select i, 32767, 2147483647, 9223372036854775807 from generate_series(1, 3) i`,
    )
    await world.stream('answer', 'select sum(i2) as a, sum(i4) as b, sum(i8) as c, avg(i8) as d from big')
    await world.step(
      `insert into big select i, -32768, -2147483648, -9223372036854775808 from generate_series(4, 9) i`,
      `update big set i2 = 32767, i4 = 2147483647, i8 = 9223372036854775807`,
      `delete from big where id < 4`,
    )
  })
})
