import { afterAll, afterEach, beforeAll, test } from 'vitest'
import { CHANGES, SHOP } from './shop.fixture.ts'
import { createWorld, type World } from './world.fixture.ts'

/** What is taken for a key must tell rows apart, whatever is null and whatever a collation takes for equal. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const FULL_JOINS: Readonly<Record<string, string>> = {
  'of groups, one of nulls on each side': `select a.region, b.page from (select distinct region from customers) a
    full join (select page from visits group by page) b on a.region = b.page`,
  'of counted groups, filtered': `select a.*, b.m from (select score, count(*) as n from customers group by score) a
    full join (select qty, count(*) as m from orders group by qty) b on a.score = b.qty + 100 where b.m is null or a.n is distinct from b.m`,
  'of one row and one row': `select a.n, b.m from (select count(*) as n from customers) a full join (select count(*) as m from visits) b on a.n = b.m`,
  'of one row and groups': `select a.n, b.page from (select max(score) as n from customers) a full join (select distinct page from visits) b on a.n::text = b.page`,
  'of tables with keys': `select a.id, b.id as product from customers a full join products b on a.score = b.id`,
  'of groups and a table': `select a.region, b.id from (select distinct region from customers) a full join products b on a.region = b.category`,
  'of three groups': `select a.region, b.page, c.note from (select distinct region from customers) a full join (select distinct page from visits) b on a.region = b.page
    full join (select distinct note from orders) c on c.note = b.page`,
}

test.each(Object.keys(FULL_JOINS))('full join %s', async (name) => {
  await world.run(SHOP)
  await world.stream('answer', FULL_JOINS[name] ?? '')
  await world.step(...CHANGES)
})

const COLLATED: Readonly<Record<string, string>> = {
  'a constant': `select n from names where name = 'a' collate loose`,
  'in a join': `select v.id, k.n from visitors v join names k on v.name collate loose = k.name`,
  'in a column': `select v.id, k.n, k.name from loose_visitors v left join names k on v.name = k.name`,
  'in a scalar subquery': `select v.id, (select max(k.n) from names k where k.name = v.name) as n from loose_visitors v`,
  'in EXISTS': `select id from loose_visitors v where exists (select from names k where k.name = v.name and k.n > 1)`,
}

test.each(Object.keys(COLLATED))('equal by a collation that is not deterministic, %s', async (name) => {
  await world.run(`create collation loose (provider = icu, deterministic = false, locale = 'und-u-ks-level2');
    create table names (name text primary key, n int); insert into names values ('a', 1), ('b', 2);
    create table visitors (id int primary key, name text); insert into visitors values (1, 'a'), (2, 'A'), (3, 'c');
    create table loose_visitors (id int primary key, name text collate loose); insert into loose_visitors select * from visitors`)
  await world.stream('answer', COLLATED[name] ?? '')
  await world.step(
    `insert into names values ('A', 3)`,
    `insert into names values ('C', null), ('c', null); insert into visitors values (4, 'B'); insert into loose_visitors values (4, 'B')`,
    `update names set n = 9 where name = 'a'; delete from visitors where id = 1; delete from loose_visitors where id = 1`,
    `delete from names where name = 'A'`,
    `delete from names`,
  )
})
