import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { createWorld, type World } from './world.fixture.ts'

/** Input that nobody should write, and somebody will: each is a clear error, or a stream table that works. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const TABLES = `create table orders (id int primary key, customer_id int, note text);
  create table customers (id int primary key, note text);
  create table things (id int primary key, j json, x xml, p point);
  insert into orders select i, i % 3, 'n' || i % 2 from generate_series(1, 9) i; insert into customers values (0, 'a'), (1, 'b');
  insert into things values (1, '{"a": 1}', '<a/>', '(1,2)'), (2, null, null, null), (3, '{"a":1}', '<a/>', '(1,2)')`

test.each([
  [
    'an ambiguous name',
    'select id from orders o join customers c on c.id = o.customer_id',
    'INVALID_QUERY',
    /ambiguous/,
  ],
  ['two columns of a name', 'select id, id from orders', 'INVALID_QUERY', /more than once/],
  ['an unknown column', 'select nope from orders', 'UNKNOWN_COLUMN', /does not exist/],
  ['a group by json', 'select j, count(*) as n from things group by j', 'INVALID_QUERY', /equality operator/],
  ['an order by point', 'select id from things order by p limit 1', 'INVALID_QUERY', /ordering operator/],
  ['an anonymous row', 'select row(id, note) as r from orders', 'INVALID_QUERY', /pseudo-type/],
  ['no columns', 'select from orders', 'INVALID_QUERY', /no output column/],
])('%s is an error that says so', async (_, query, code, message) => {
  await world.run(TABLES)
  await expect(world.stream('answer', query)).rejects.toMatchObject({ code, message: expect.stringMatching(message) })
})

test('types without equality are carried, also through a domain without a key', async () => {
  await world.run(`${TABLES}; create table loose as select j, x, p from things`)
  await world.stream('carried', 'select j, x, p from things')
  await world.stream(
    'asked',
    `select l.j::text as j, s.n from loose l cross join lateral (select count(*) as n from things t where t.p::text = l.p::text or l.j is null) s`,
  )
  await world.step(
    `update things set p = '(3,4)' where id = 1; insert into loose values (null, '<b/>', '(3,4)')`,
    `delete from loose where j is not null; delete from things where id = 2`,
  )
})

test('500 parentheses, 200 subqueries one in the other', async () => {
  await world.run(TABLES)
  await world.stream('sum', `select id, ${'('.repeat(500)}id${' + 1)'.repeat(500)} as n from orders`)
  const nested = Array.from({ length: 200 }).reduce<string>(
    (inner, _, i) => `select id from (${inner}) s${i}`,
    'select id from orders',
  )
  await world.stream('subqueries', nested)
  await world.step(`delete from orders where id = 1; insert into orders values (20, 1, null)`)
})

test('a table of 1,000 columns', async () => {
  const columns = Array.from({ length: 1_000 }, (_, i) => `c${i}`)
  await world.run(
    `create table wide (${columns.map((name) => `${name} int`).join(', ')});
     insert into wide select ${columns.map((_, i) => `i * ${i}`).join(', ')} from generate_series(1, 3) i`,
  )
  await world.stream('half_of_it', `select ${columns.slice(0, 500).join(', ')} from wide`)
  await world.stream('some_of_it', 'select c1, sum(c999) as s from wide group by c1')
  await world.step('update wide set c400 = 7 where c1 = 2; delete from wide where c1 = 3')
  // a captured column takes two of the 1,600 that PostgreSQL gives a table
  await expect(world.stream('all_of_it', 'select * from wide')).rejects.toThrow(/at most 1600 columns/)
})
