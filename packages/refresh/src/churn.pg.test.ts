import type { Extent } from '@freshet/dvm'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Definition } from './definition.ts'
import { differentialStatement } from './differential.ts'
import { explained, planNodes } from './explained.fixture.ts'
import { createWorld, type World } from './world.fixture.ts'

/** Small tables that are written again and again: what cancels among many changes is taken out, by its exact image. */
let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterAll(() => world.own.drop())
afterEach(() => world.clear())

const again = (statement: string, times = 1_000) =>
  `do $$ begin for i in 1 .. ${times} loop ${statement}; end loop; end $$`

/** The most rows that any part of the statement makes; the statement is rolled back. */
async function mostRows(definition: Definition, extent: Extent): Promise<number> {
  const changed = new Set(definition.plan.sources.map(({ stableName }) => stableName))
  const statement = await differentialStatement(definition, { changed, extent }, {})
  const client = await world.own.client()
  await client.query('begin')
  const nodes = planNodes(await explained(client, statement, 'analyze, format json'))
  await client.query('rollback')
  expect(nodes).not.toEqual([])
  return Math.max(...nodes.map((node) => (node['Actual Rows'] ?? Infinity) * (node['Actual Loops'] ?? Infinity)))
}

test('many changes of few rows do not meet, one by one, all that each row meets', async () => {
  await world.run(`create table account (id int primary key, owner int, balance int);
    create table ledger (account int, amount int);
    insert into account select i, i % 8, 0 from generate_series(1, 64) i;
    insert into ledger select 1 + i % 64, i from generate_series(1, 20000) i; analyze account, ledger`)
  const moved = await world.stream(
    'moved',
    'select a.owner, a.balance, sum(l.amount) as moved from ledger l join account a on a.id = l.account group by 1, 2',
  )
  await world.run(again('update account set balance = balance + 1 where id = 1 + i % 64', 6_400))
  // 12,800 change rows, of which 128 remain: old and new of every account
  expect(await mostRows(moved, 'churned')).toBeLessThan(128 * (20_000 / 64) * 2)
  // the statement that would join them all counts them, and reads none
  expect(await mostRows(moved, 'many')).toBeLessThanOrEqual(6_400)
  expect((await world.step('select 1'))['moved']).toMatchObject({ action: 'differential', changeRows: 12_800 })
})

test('changes of columns that the query does not read cancel altogether', async () => {
  await world.run(`create table account (id int primary key, owner int, balance int); create table owner (id int, name text);
    insert into account select i, i % 8, 0 from generate_series(1, 64) i; insert into owner select i, 'o' || i from generate_series(0, 7) i`)
  await world.stream('total', 'select sum(balance) as total from account')
  await world.stream('owned', 'select o.name, count(*) as n from account a join owner o on o.id = a.owner group by 1')
  const { owned } = await world.step(again('update account set balance = balance + 1 where id = 1 + i % 64'))
  expect(owned).toMatchObject({ action: 'differential', changeRows: 2_000, rowsInserted: 0, rowsDeleted: 0 })
})

test('by the exact image: what equality does not tell apart, and types without equality', async () => {
  await world.run(`create table odd (id int primary key, n numeric, f float8, t text[], j json, p point, c text collate "C", b bytea);
    create table other (id int, label text);
    insert into odd select i, 1.0, 0.0, '{a}', '{"a": 1}', '(1,2)', 'x', '\\x00' from generate_series(1, 4) i;
    insert into other select i, 'l' || i from generate_series(1, 4) i`)
  await world.stream(
    'odd_copy',
    'select o.id, n, f, t, j::text, p::text, c, b, label from odd o join other x on x.id = o.id',
    { exact: true },
  )
  await world.step(
    again(`update odd set n = 1.00, f = -0.0, t = '{a,b}', j = '{"a":1}', p = '(2,1)', c = 'X', b = '\\x01' where id = 1 + i % 3;
      update odd set n = 1.0, f = 0.0, t = '{a}', j = '{"a": 1}', p = '(1,2)', c = 'x', b = '\\x00' where id = 1 + i % 2`),
    again(`update odd set n = n + 0.00, f = -f, t = t || '{}' where true`, 301),
  )
})

test('duplicates, no columns at all, and columns with awkward names', async () => {
  await world.run(`create table twin (a int, "__image" int, "__at" text); create table one (a int);
    insert into twin select i % 3, i % 2, 'x' from generate_series(1, 12) i; insert into one values (1), (1)`)
  await world.stream('twins', 'select t.a, t."__image" as image, t."__at" as at from twin t join one o on o.a = 1')
  await world.stream('crossed', 'select count(*) as n from twin, one')
  await world.step(
    again(
      `insert into twin values (i % 3, i % 2, 'x'); insert into twin values (i % 3, i % 2, 'y'); delete from twin where "__at" = 'y'`,
    ),
    again(`insert into one values (1); delete from one where ctid = (select ctid from one limit 1)`),
    `delete from twin where ctid in (select ctid from twin limit 900)`,
  )
})

test('columns whose type has no binary form', async () => {
  await world.run(`create table granted (id int primary key, who aclitem, n int); create table other (id int);
    insert into granted select i, 'postgres=r/postgres', 0 from generate_series(1, 4) i; insert into other values (1), (2)`)
  await world.stream('grants', 'select g.id, g.who::text as who from granted g join other o on o.id = g.id')
  await world.step(
    again(
      `update granted set who = case i / 4 % 2 when 0 then 'postgres=r/postgres' else 'postgres=w/postgres' end::aclitem where id = 1 + i % 4`,
    ),
  )
})
