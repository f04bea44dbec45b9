import { setTimeout as sleep } from 'node:timers/promises'
import { bufferTable, raw } from '@freshet/core'
import { createTestDatabase, random, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { captured as capturedIn, changes, run, sumLaw } from './capture.fixture.ts'

/** Change rows belong to the top-level transaction that wrote them, and share its fate. */
let world: TestDatabase

beforeAll(async () => {
  world = await createTestDatabase()
})
afterAll(() => world.drop())

const captured = (name: string, definition: string, columns: readonly string[]) =>
  capturedIn(world.database, `create table ${name} (${definition})`, name, columns)

test('rolled back work leaves nothing, savepoints included', async () => {
  const { source } = await captured('undone', 'a int', ['a'])
  const client = await world.client()
  await client.query('begin; insert into undone values (1); rollback')
  await client.query(`begin; insert into undone values (2); savepoint s; insert into undone values (3), (33);
    update undone set a = 9; rollback to s; insert into undone values (4); commit`)
  expect(await changes(world.database, source, ['a'])).toEqual(['1 2', '1 4'])
})

test('a subtransaction’s rows carry the id of the top-level transaction', async () => {
  const { source } = await captured('nested', 'a int', ['a'])
  const client = await world.client()
  await client.query(
    'begin; savepoint s; insert into nested values (1); savepoint t; insert into nested values (2), (3)',
  )
  const top = await client.query<{ id: string }>('select pg_current_xact_id()::text as id')
  await client.query('commit')
  const rows = await world.database.query(
    raw(`select distinct __x::text as id from ${bufferTable(source.stableName).text}`),
  )
  expect(rows).toEqual(top.rows)
})

test('a prepared transaction’s rows appear with its commit, under its id', async () => {
  const { source } = await captured('prepared', 'a int', ['a'])
  const client = await world.client()
  await client.query(`begin; insert into prepared values (1); prepare transaction 'kept ${world.name}'`)
  await client.query(`begin; insert into prepared values (2); prepare transaction 'dropped ${world.name}'`)
  expect(await changes(world.database, source, ['a'])).toEqual([])
  await client.query(`commit prepared 'kept ${world.name}'`)
  await client.query(`rollback prepared 'dropped ${world.name}'`)
  expect(await changes(world.database, source, ['a'])).toEqual(['1 1'])
})

test('serializable and repeatable-read writers are captured too', async () => {
  const { source } = await captured('isolated', 'a int', ['a'])
  for (const level of ['repeatable read', 'serializable']) {
    await run(
      world.database,
      `begin isolation level ${level}; insert into isolated values (1); update isolated set a = 2 where a = 1; commit`,
    )
  }
  expect(await changes(world.database, source, ['a'])).toEqual(['-1 1', '-1 1', '1 1', '1 1', '1 2', '1 2'])
})

test('what was there and the buffer add up to the table, under concurrent writers and roll-backs', async () => {
  const columns = ['id', 'a', 'b']
  const { source } = await captured('summed', 'id int, a numeric, b text, c int default 0', columns)
  await run(world.database, `insert into summed select g, g % 10, g from generate_series(1, 500) g`)
  await run(
    world.database,
    `truncate freshet_changes.pack_${source.stableName}, freshet_changes.log_${source.stableName}`,
  )
  const differences = await sumLaw(world.database, source, columns)
  const base = random(20_260_117)
  let committed = 0
  const writer = async (number: number) => {
    const chance = base.fork()
    const client = await world.client()
    for (let transaction = 0; transaction < 40; transaction++) {
      await client.query('begin')
      for (let n = chance.int(1, 4); n > 0; n--) {
        if (chance.chance(0.3)) await client.query('savepoint s')
        // writers keep to their own rows, so that they never wait for each other in a circle
        const mine = `id % 4 = ${number}`
        await client.query(
          chance.pick([
            `insert into summed select ${number} + 4 * g, ${chance.int(0, 9)} from generate_series(1, ${chance.int(0, 5)}) g`,
            `insert into summed values (${number}, 1, 'one')`,
            `update summed set a = a + ${chance.int(0, 1)}, b = ${chance.int(0, 3)} where ${mine} and id % 7 = ${chance.int(0, 6)}`,
            `update summed set c = c + 1 where ${mine} and id < ${chance.int(0, 100)}`,
            `update summed set b = b || 'x' where ctid = (select min(ctid) from summed where ${mine})`,
            `delete from summed where ${mine} and id % 31 = ${chance.int(0, 30)}`,
            `merge into summed using (select ${number} + 4 * generate_series(1, 9) as k) s on id = k and ${mine}
              when matched and k % 8 = 4 then delete when matched then update set a = 1
              when not matched then insert values (k, 0, 'merged')`,
          ]),
        )
        if (chance.chance(0.15))
          await client.query('savepoint r; delete from summed where id % 4 = 0 and false; rollback to r')
      }
      if (chance.chance(0.1)) await sleep(chance.int(1, 5))
      const commit = chance.chance(0.7)
      await client.query(commit ? 'commit' : 'rollback')
      if (commit) committed++
    }
  }
  await Promise.all([0, 1, 2, 3].map(writer))
  expect(committed).toBeGreaterThan(50)
  expect((await changes(world.database, source, columns)).length).toBeGreaterThan(500)
  expect(await differences()).toBe(0)
})
