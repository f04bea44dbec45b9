import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import { raw, sql, tryLease } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { start } from './processes.ts'

/**
 * Who stood still for longer than a lease is fenced off: another has taken over, and what he commits when he is thawed is
 * refused, whatever his wall clock says. The two ways in which a thing is owned: a transaction, and a lease.
 */
const QUERY = 'select kind, count(*) as n from item group by kind'
const HOLDER = new URL('./holder.fixture.ts', import.meta.url)
const SKEW_MS = 600_000

async function prepared(): Promise<TestDatabase> {
  const own = await createTestDatabase()
  await own.database.query(raw(`alter database ${own.name} set freshet.lease = '1500ms'`))
  await own.database.query(
    raw(`create table item (id serial primary key, kind int); insert into item (kind) select i % 3 from generate_series(1, 30) i;
      create table written (by text)`),
  )
  return own
}

test('a refresh that froze before its commit, its clock minutes ahead', async () => {
  await using own = await prepared()
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await freshet.create({ name: 'answer', query: QUERY, mode: 'full', schedule: 'manual' })
  const holder = await start(own, HOLDER, SKEW_MS)
  expect(await holder.heard()).toBe('ready')
  await own.database.query(raw('insert into item (kind) values (7)'))
  holder.process.send('refresh')
  expect(await holder.heard()).toBe('holding')
  holder.process.kill('SIGSTOP')
  // as long as the lease lasts the row of the table is his; then the next one has it
  const refreshed = () => freshet.refresh('answer', { full: true, initiatedBy: 'successor' })
  while ((await refreshed()).action === 'busy') await sleep(10)
  const before = await states(own)
  holder.process.send('go on')
  holder.process.kill('SIGCONT')
  expect(await holder.heard()).toBe('CONNECTION_LOST')
  // neither a row of his, nor a frontier, nor a version
  expect(await states(own)).toEqual(before)
  expect(before.history).toEqual(['create', 'successor'])
  await assertEqualToQuery(own.database, 'answer', QUERY)
})

test('a lease whose holder froze, its clock minutes behind', async () => {
  await using own = await prepared()
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await freshet.init()
  const holder = await start(own, HOLDER, -SKEW_MS)
  expect(await holder.heard()).toBe('ready')
  holder.process.send('lease')
  expect(await holder.heard()).toBe('holding')
  expect(await tryLease(own.database, 'thing')).toBeNull()
  holder.process.kill('SIGSTOP')
  let lease = await tryLease(own.database, 'thing')
  for (; lease === null; lease = await tryLease(own.database, 'thing')) await sleep(10)
  await lease.guarded((transaction) => transaction.query(sql`insert into written values ('successor')`))
  holder.process.send('go on')
  holder.process.kill('SIGCONT')
  expect(await holder.heard()).toBe('LEASE_LOST')
  expect(await own.database.query(raw('select by from written'))).toEqual([{ by: 'successor' }])
  await lease.release()
})

async function states(own: TestDatabase): Promise<{ readonly state: unknown; readonly history: readonly string[] }> {
  const [row] = await own.database.query<{ state: unknown; history: readonly string[] }>(
    raw(`select to_jsonb(s) - 'decision' as state,
        (select array_agg(h.initiated_by order by h.refresh_id) from freshet.refresh_history h) as history
      from freshet.stream_table_state s`),
  )
  return row ?? { state: null, history: [] }
}
