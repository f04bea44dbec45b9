import { triggerCapture } from '@freshet/cdc'
import { type Database, raw, type Refresher, settleUnits } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { RefreshContext } from './context.ts'
import { createStreamTable } from './create.ts'
import { findStreamTable } from './definition.ts'
import { createRefresher } from './refresher.ts'
import { refreshesWithin } from './trace.ts'

/** A refresh tells its number in the history where that is asked for, and a window of a feed tells which refreshes it holds. */
const QUERY = 'select kind, count(*) as n from item group by kind'

let own: TestDatabase
let database: Database
let context: RefreshContext
let refresher: Refresher

beforeEach(async () => {
  own = await createTestDatabase()
  database = own.database
  context = { database, capture: triggerCapture() }
  refresher = createRefresher(context)
  await run('create table item (id int primary key, kind text not null)')
})
afterEach(() => own.drop())

const run = (script: string) => database.query<Record<string, unknown>>(raw(script))

async function create(name: string, atomic?: string): Promise<number> {
  const group = atomic === undefined ? {} : { atomic }
  await createStreamTable(context, { name, query: QUERY, mode: 'differential', schedule: 'manual', ...group })
  return findStreamTable(database, name)
}

async function lastRefresh(id: number): Promise<string | undefined> {
  const [row] = await database.query<{ id: string }>(
    raw(`select max(refresh_id)::text as id from freshet.refresh_history where stream_table_id = ${id}`),
  )
  return row?.id
}

async function snapshot(): Promise<string> {
  const [row] = await database.query<{ s: string }>(raw('select pg_current_snapshot()::text as s'))
  return row?.s ?? ''
}

test('a refresh tells its number, of either kind, and only where it wrote something and was asked', async () => {
  const id = await create('kinds')
  await run(`insert into item values (1, 'a')`)
  const delta = await refresher.refresh(id, { identified: true })
  expect(delta).toMatchObject({ action: 'differential', refreshId: await lastRefresh(id) })
  expect(await refresher.refresh(id, { identified: true })).toMatchObject({ action: 'none' })
  expect(await refresher.refresh(id, { identified: true })).not.toHaveProperty('refreshId')
  const full = await refresher.refresh(id, { identified: true, full: true })
  expect(full).toMatchObject({ action: 'full', refreshId: await lastRefresh(id) })
  expect(full.refreshId).not.toBe(delta.refreshId)
  await run(`insert into item values (2, 'b')`)
  expect(await refresher.refresh(id)).not.toHaveProperty('refreshId')
  await assertEqualToQuery(database, 'kinds', QUERY)
})

test('of a unit, each member tells its own', async () => {
  const [one, two] = [await create('one', 'both'), await create('two', 'both')]
  await settleUnits(database)
  await run(`insert into item values (1, 'a')`)
  const outcome = await refresher.refresh(one, { identified: true })
  expect(outcome.refreshId).toBe(await lastRefresh(one))
  expect(outcome.together?.get(two)?.refreshId).toBe(await lastRefresh(two))
  expect(outcome.refreshId).not.toBe(await lastRefresh(two))
  for (const name of ['one', 'two']) await assertEqualToQuery(database, name, QUERY)
})

test('a window holds the refreshes that committed in it, whatever has committed around it', async () => {
  const [id, other] = [await create('kinds'), await create('others')]
  const numbers: (string | undefined)[] = []
  const places = [await snapshot()]
  for (let i = 0; i < 4; i++) {
    await run(`insert into item values (${i}, 'a')`)
    numbers.push((await refresher.refresh(id, { identified: true })).refreshId)
    await refresher.refresh(other)
    places.push(await snapshot())
  }
  const within = (from: number, to: number) =>
    refreshesWithin(database, id, { from: places[from] ?? '', to: places[to] ?? '' })
  expect(await within(0, 4)).toEqual(numbers)
  expect(await within(1, 3)).toEqual(numbers.slice(1, 3))
  expect(await within(2, 2)).toEqual([])
  await assertEqualToQuery(database, 'kinds', QUERY)
  await assertEqualToQuery(database, 'others', QUERY)
})

test('a writer that commits later moves no refresh into another window', async () => {
  const id = await create('kinds')
  await run(`insert into item values (1, 'a')`)
  const before = await snapshot()
  const writer = await own.client()
  await writer.query(`begin; insert into item values (2, 'b')`)
  const { refreshId } = await refresher.refresh(id, { identified: true })
  const between = await snapshot()
  await writer.query('commit')
  const after = await snapshot()
  expect(await refreshesWithin(database, id, { from: before, to: between })).toEqual([refreshId])
  expect(await refreshesWithin(database, id, { from: between, to: after })).toEqual([])
  const next = await refresher.refresh(id, { identified: true })
  expect(await refreshesWithin(database, id, { from: after, to: await snapshot() })).toEqual([next.refreshId])
  await assertEqualToQuery(database, 'kinds', QUERY)
})
