import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import { raw, sql } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { keptProcess } from './kept-process.ts'

/**
 * A feed does not know who refreshes: when a scheduler is killed, what the next one does is in the windows that follow,
 * also what the first had begun and not committed.
 */
const QUERY = 'select kind, count(*) as n, sum(price) as total from item group by kind'

test('a feed goes on when another scheduler takes over', async () => {
  await using own = await createTestDatabase()
  const run = (text: string) => own.database.query<Record<string, unknown>>(raw(text))
  await run('create table item (id serial primary key, kind int not null, price int not null)')
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await freshet.create({ name: 'kinds', query: QUERY, mode: 'differential', schedule: 'live' })
  const copy = await freshet.liveCopy<{ kind: number; n: string; total: string }>('kinds')
  own.defer(() => copy.close())
  let written = 0
  const write = async (count: number) => {
    for (let i = 0; i < count; i++) await run(`insert into item (kind, price) values (${written++ % 7}, 3)`)
  }
  const followed = async () => {
    for (;;) {
      if (copy.rows().reduce((sum, { n }) => sum + Number(n), 0) === written) return
      await Promise.race([copy.ended, sleep(5)])
    }
  }
  const byWhom = async () =>
    (await run(`select distinct initiated_by as who from freshet.refresh_history where action = 'differential'`)).length

  const first = await keptProcess(own, new URL('./scheduler.fixture.ts', import.meta.url), [own.url])
  await write(20)
  await followed()
  const second = await keptProcess(own, new URL('./scheduler.fixture.ts', import.meta.url), [own.url])
  // a refresh that has begun when its scheduler is killed: it waits for this lock
  const holder = await own.client()
  await holder.query(`begin; lock table kinds in exclusive mode`)
  await write(20)
  const waits = sql`select from pg_locks where relation = 'kinds'::regclass and not granted`
  while ((await own.database.query(waits)).length === 0) await sleep(5)
  await first.kill()
  await write(20)
  await holder.query('rollback')
  await followed()
  await second.kill()
  await write(20)
  const third = await keptProcess(own, new URL('./scheduler.fixture.ts', import.meta.url), [own.url])
  await followed()
  await third.kill()

  expect(await byWhom()).toBeGreaterThan(1)
  const held = await run('select kind, n::text, total::text from kinds order by kind')
  expect([...copy.rows()].sort((a, b) => a.kind - b.kind)).toEqual(held)
  await assertEqualToQuery(own.database, 'kinds', QUERY)
})
