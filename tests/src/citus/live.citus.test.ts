import { startCoordinator } from '@freshet/coordinator'
import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test, vi } from 'vitest'
import { createCitusWorld } from './world.ts'

describe.skipIf(clusterUrls() === null)('a scheduler', () => {
  test('sees changes on other nodes, and refreshes what reads them', async () => {
    await using world = await createCitusWorld()
    await world.run(
      'create table orders (id int primary key, amount int)',
      `select create_distributed_table('orders', 'id')`,
    )
    const { freshet } = world
    await freshet.create({
      name: 'total',
      query: 'select count(*) as n, sum(amount) as total from orders',
      schedule: 'live',
    })
    freshet.startStream()
    const coordinator = startCoordinator({
      database: freshet.database,
      refresher: freshet.refresher,
      capture: freshet.capture,
    })
    try {
      const worker = await world.writer(0)
      await worker.query('insert into orders select i, i from generate_series(1, 100) i')
      const total = () => world.rows('select n::int, total::int from total')
      await vi.waitFor(async () => expect(await total()).toEqual([{ n: 100, total: 5050 }]), { timeout: 20_000 })
      await world.run('truncate orders')
      await vi.waitFor(async () => expect(await total()).toEqual([{ n: 0, total: null }]), { timeout: 20_000 })
    } finally {
      await coordinator.drain(10_000)
      await freshet.close()
    }
  })
})
