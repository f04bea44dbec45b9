import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { startCoordinator, type CoordinatorEvent } from '@freshet/coordinator'
import { writeSetting } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, freshSeed, random, type TestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { BANK, BANK_STREAMS, startWriters } from './writers.ts'

/**
 * Everything at once, as in production: writers whose transactions stay open, two schedulers on one database, clean-up
 * as often as it can run, and stream tables that are created in the midst of it. What clean-up removes too early, or a
 * scheduler overlooks, is missing at the end.
 */
test('live tables under two schedulers and eager clean-up end equal to their queries', async () => {
  const seed = freshSeed()
  await using database = await createTestDatabase()
  const client = await database.client()
  await client.query(BANK)
  await writeSetting(database.database, 'cleanup_interval_ms', 10)

  const events: CoordinatorEvent[] = []
  const [one, two] = [await schedule(database, events), await schedule(database, events)]
  const { total, by_owner: byOwner, ...later } = BANK_STREAMS
  const early = { total: total ?? '', by_owner: byOwner ?? '' }
  for (const [name, query] of Object.entries(early)) await one.freshet.create({ name, query, mode: 'differential' })

  const writers = await startWriters(database, random(seed), 6)
  for (const [name, query] of Object.entries(later)) {
    await sleep(300)
    await two.freshet.create({ name, query, mode: 'differential' })
  }
  const count = (kind: CoordinatorEvent['kind']) => events.filter((event) => event.kind === kind).length
  await until(
    'enough has happened',
    () => count('refreshed') > 20 && count('trimmed') > 5 && writers.counts.committed > 50,
  )
  await writers.stop()

  await until('every change is seen', async () =>
    (await one.freshet.status()).every((table) => table.pendingChanges === 0),
  )
  const unfinished = await Promise.all([one.stop(), two.stop()])
  expect(unfinished.flat()).toEqual([])
  for (const [name, query] of Object.entries(BANK_STREAMS)) await assertEqualToQuery(database.database, name, query)

  console.log(`seed ${seed}`, writers.counts, { refreshed: count('refreshed'), trimmed: count('trimmed') })
  expect(
    events.filter((event) => ['failed', 'suspended', 'upkeep_failed', 'interrupted'].includes(event.kind)),
  ).toEqual([])
})

async function schedule(
  test: TestDatabase,
  events: CoordinatorEvent[],
): Promise<{ freshet: Freshet; stop: () => Promise<unknown[]> }> {
  const freshet = await connect(test.url)
  test.defer(() => freshet.close())
  const { database, refresher, capture } = freshet
  const coordinator = startCoordinator({ database, refresher, capture, listener: (event) => void events.push(event) })
  test.defer(async () => void (await coordinator.drain()))
  return { freshet, stop: async () => [...(await coordinator.drain())] }
}

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const limit = performance.now() + 30_000
  while (!(await holds())) {
    if (performance.now() > limit) throw new Error(`waited 30 s in vain: ${what}`)
    await sleep(50)
  }
}
