import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** USING and NATURAL: with functions, and of columns of two types; functions that look at the names of their columns. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const TABLES = `
  create table ints (a int primary key, v int, docs json);
  create table numbers (a numeric primary key, w text);
  create table bigs (a bigint, c char(3), f real);
  create table smalls (a smallint, c varchar(5), f float8);
  create table scaled (a numeric(6, 2), u int);
  insert into ints select i, i, json_build_array(json_build_object('a', i, 'v', 'q' || i), json_build_object('a', i % 2, 'x', 1)) from generate_series(1, 7) i;
  insert into numbers values (1.0, 'x'), (2, 'y'), (3.00, 'z'), (9, 'q');
  insert into bigs values (1, 'a', 1.1), (2147483650, 'b', 2.2), (3, 'c', 3.3);
  insert into smalls values (1, 'a', 1.1), (2, 'b  ', 2.2), (3, 'c', 3.3);
  insert into scaled values (1, 1), (2.5, 2), (3, 3)`

const CHANGES = [
  `insert into numbers values (4, 'n'), (5.5, 'o'); insert into bigs values (5, 'x', 1), (null, null, null)`,
  `insert into ints values (20, 3, '[]'), (21, 21, '[{"a":5,"x":2}]'), (22, null, null); insert into scaled values (4, 4), (null, 5)`,
  `update ints set a = 9, docs = '[{"a":1,"v":"z"}]' where a = 7`,
  `delete from numbers where a = 1; insert into smalls values (5, 'x', 1); update scaled set a = a + 1`,
  `delete from ints where a < 4`,
  `delete from numbers; delete from smalls`,
]

const QUERIES: Readonly<Record<string, string>> = {
  'a function': `select a, v from ints join generate_series(2, 4) g(a) using (a)`,
  'a function, natural': `select a, v from ints natural join generate_series(2, 4) g(a)`,
  'a function, outer': `select a, v from ints left join generate_series(2, 4) g(a) using (a)`,
  'a function, natural and outer': `select a, v from ints natural left join generate_series(2, 4) g(a)`,
  'a function, full': `select a, v from ints full join generate_series(6, 9) g(a) using (a)`,
  'a function on the left': `select a, v from generate_series(6, 9) g(a) left join ints using (a)`,
  'a function of three': `select a, x.v as v1, y.v as v2 from ints x join ints y using (a) join generate_series(1, 3) g(a) using (a)`,
  'a narrower type on the left': `select a::text as a, w from ints left join numbers using (a)`,
  'a narrower type on the left, inner: the other side’s value': `select a::text as a, w from ints join numbers using (a)`,
  'a narrower type on the right': `select a::text as a, v from numbers left join ints using (a)`,
  'a narrower type, right': `select a::text as a, w from ints right join numbers using (a)`,
  'a narrower type, full': `select a::text as a, w from ints full join numbers using (a)`,
  'arithmetic that the narrower type has no room for': `select a * 2000000000 as a from ints left join bigs using (a)`,
  'single and double precision': `select f::text as f from bigs left join smalls using (f)`,
  'padded and unpadded text': `select c || '|' as c from smalls left join bigs using (c)`,
  'padded and unpadded text, inner': `select c || '|' as c from bigs join smalls using (c)`,
  'one with a scale': `select a::text as a from scaled join numbers using (a)`,
  'groups of it': `select a % 2 as k, avg(a)::text as m from ints left join numbers using (a) group by a % 2`,
  'over a subquery': `select a::text as a, n from ints left join (select a + 0.0 as a, count(*) as n from numbers group by 1) x using (a)`,
  'over two': `select a::text as a from (ints left join bigs using (a)) left join numbers using (a)`,
  'columns defined with a name that another item has': `select i.a, r.a as ra, r.x, r.v from ints i cross join lateral json_to_recordset(i.docs) as r(a int, x numeric, v text)`,
  'defined columns by USING': `select a, x from ints join json_to_recordset('[{"a":1,"x":2},{"a":9}]') as r(a int, x int) using (a)`,
  'defined columns of one record': `select i.a, r.a as ra from ints i, json_to_record(i.docs -> 0) as r(a int, v text)`,
  'defined columns among several functions': `select i.a, r.p, r.q, r.s, r.o from ints i,
    rows from (json_to_recordset(i.docs) as (a int, x int), generate_series(1, i.v)) with ordinality as r(p, q, s, o)`,
}

test.each(Object.keys(QUERIES))('%s', async (name) => {
  await world.run(TABLES)
  await world.stream('answer', QUERIES[name] ?? '')
  await world.step(...CHANGES)
})
