import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '@freshet/client'
import { startCoordinator, type CoordinatorEvent } from '@freshet/coordinator'
import { createTestDatabase, freshSeed, random } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { BANK, BANK_STREAMS, startWriters, TOTAL } from './writers.ts'

const ENOUGH = 20

/**
 * A bank whose writers keep its stream tables, with savepoints, roll-backs and two-phase commits, at READ COMMITTED and
 * REPEATABLE READ. Whoever looks, at any time and in any snapshot, finds each of them equal to its query. A scheduler
 * runs beside them, and has nothing to do until somebody takes a trigger away.
 */
test('at every moment equal, while others write', { timeout: 120_000 }, async () => {
  const seed = freshSeed()
  await using database = await createTestDatabase()
  const client = await database.client()
  await client.query(BANK)
  const freshet = await connect(database.url)
  database.defer(() => freshet.close())
  for (const [name, query] of Object.entries(BANK_STREAMS)) await freshet.create({ name, query, mode: 'immediate' })
  await freshet.create({ name: 'later', query: 'select balance, count(*) as owners from by_owner group by balance' })

  const events: CoordinatorEvent[] = []
  const { database: port, refresher, capture } = freshet
  const coordinator = startCoordinator({
    database: port,
    refresher,
    capture,
    listener: (event) => void events.push(event),
  })
  database.defer(async () => void (await coordinator.drain()))
  const refreshed = () =>
    events
      .flatMap((event) => (event.kind === 'refreshed' ? [event.table.name] : []))
      .filter((name) => !name.endsWith('later'))

  const writers = await startWriters(database, random(seed), 6)
  const end = performance.now() + 6_000
  let looks = 0
  // on a busy machine it takes longer until enough has happened
  while (performance.now() < end || writers.counts.committed <= ENOUGH || looks <= ENOUGH) {
    for (const name of Object.keys(BANK_STREAMS)) {
      expect({ ...(await freshet.verify(name)), seed }).toMatchObject({ equal: true, samples: [] })
      looks++
    }
    const { rows } = await client.query<{ total: string }>('select total::text from total')
    expect(rows).toEqual([{ total: String(TOTAL) }])
    await sleep(20)
  }
  await writers.stop()
  expect(refreshed()).toEqual([])
  for (const name of Object.keys(BANK_STREAMS)) expect(await freshet.verify(name)).toMatchObject({ equal: true })
  expect(await freshet.verify('later')).toMatchObject({ equal: true })
  console.log(`seed ${seed}`, writers.counts, { looks })

  const { id } = await freshet.get('total')
  await client.query(`drop trigger freshet_immediate_${String(id).padStart(10, '0')}_update on account`)
  await client.query('update account set balance = balance + 1')
  const limit = performance.now() + 30_000
  while (!(await freshet.verify('total')).equal && performance.now() < limit) await sleep(50)
  expect(await freshet.verify('total')).toMatchObject({ equal: true })
  expect(refreshed()).toEqual(['public.total'])
  await client.query('update account set balance = balance - 1')
  expect(await freshet.verify('total')).toMatchObject({ equal: true })
})
