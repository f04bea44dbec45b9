import { connect } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, startRestartableServer } from '@freshet/testkit'
import pg from 'pg'
import { expect, test } from 'vitest'

/**
 * Why no table of Freshet's is unlogged (decision 13). Its creation is rolled back and the server crashes before that
 * has been flushed: PostgreSQL does not start again.
 */
const SLOW_TO_FLUSH = { fsync: 'on', full_page_writes: 'on', synchronous_commit: 'on', wal_writer_delay: '10s' }

test.each([
  ['', 'starts'],
  ['unlogged', 'does not start'],
])('a server that crashed after a rolled back create %s table %s', async (kind, expected) => {
  await using server = await startRestartableServer({ settings: SLOW_TO_FLUSH })
  const clients = [new pg.Client(server.url), new pg.Client(server.url)] as const
  for (const client of clients) {
    client.on('error', () => undefined) // the server goes
    await client.connect()
  }
  const [maker, other] = clients
  await maker.query('create table kept (a int)')
  await maker.query(`begin; create ${kind} table made (a int)`)
  await other.query('insert into kept values (1)')
  await maker.query('rollback')
  await server.stop('kill')
  const start = server.start()
  if (expected === 'starts') await start
  else await expect(start).rejects.toThrow(/FATAL: {2}could not create file "base\/\d+\/\d+": File exists/)
})

test('an immediate stream table makes none', async () => {
  await using own = await createTestDatabase()
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  await own.database.query(raw('create table t (id int primary key, g text)'))
  const query = 'select g, count(*) as n from t group by g'
  await freshet.create({ name: 'counts', query, mode: 'immediate' })
  await own.database.query(raw(`insert into t values (1, 'x'), (2, 'y')`))
  await assertEqualToQuery(own.database, 'counts', query)
  const made = await own.database.query(
    raw(`select c.relname as name, c.relpersistence as kind from pg_class c
      where c.relnamespace = 'freshet_changes'::regnamespace and c.relkind = 'r'`),
  )
  expect(made).not.toEqual([])
  expect(made.filter(({ kind }) => kind !== 'p')).toEqual([])
})
