import { connect } from '@freshet/client'
import { clusterUrls, createClusterDatabase } from '@freshet/testkit'
import { describe, expect, it } from 'vitest'
import { freshetHere } from './process.fixture.ts'

const BY_DAY = 'select day, count(*) as n from orders group by day'
const BY_CUSTOMER = 'select customer, count(*) as n from orders group by customer'

describe.skipIf(clusterUrls() === null)('a stream table whose changes pass through the coordinator', () => {
  it('is advised about when it is created, and no other is', async () => {
    await using own = await createClusterDatabase()
    const admin = await own.client()
    for (const statement of [
      'create table orders (id bigint, customer int, day int, primary key (customer, id))',
      `select create_distributed_table('orders', 'customer')`,
      'create table notes (id int primary key)',
      `insert into orders select i, i % 20, i % 7 from generate_series(1, 100) i`,
    ])
      await admin.query(statement)

    const freshet = await connect(own.url)
    try {
      const crosses = await freshet.create({ name: 'days', query: BY_DAY, schedule: 'manual' })
      expect(crosses.advisory).toMatchObject({
        code: 'CITUS_XSHARD',
        hint: expect.stringContaining('--distribution-column') as string,
      })
      const pushed = { query: BY_CUSTOMER, schedule: 'manual', distributionColumn: 'customer' }
      expect((await freshet.create({ name: 'customers', ...pushed })).advisory).toBeNull()
      const local = { query: 'select count(*) as n from notes', schedule: 'manual' }
      expect((await freshet.create({ name: 'noted', ...local })).advisory).toBeNull()
    } finally {
      await freshet.close()
    }

    const env = { DATABASE_URL: own.url }
    const create = (name: string, query: string, ...more: string[]) =>
      freshetHere(['create', name, '--query', query, '--schedule', 'manual', ...more], env)
    const told = await create('days_again', BY_DAY)
    expect(told.exitCode).toBe(0)
    expect(told.err).toContain(
      'notice CITUS_XSHARD: its changes pass through the coordinator: its refreshes do not run on the workers\nhint: ',
    )
    expect(told.err).toContain('--distribution-column')
    // as data it is a part of the answer
    const data: unknown = JSON.parse((await create('days_once_more', BY_DAY, '--json')).out)
    expect(data).toMatchObject({ advisory: { code: 'CITUS_XSHARD' } })
    const quiet = await create('customers_again', BY_CUSTOMER, '--distribution-column', 'customer')
    expect(quiet).toMatchObject({ exitCode: 0 })
    expect(quiet.err).not.toContain('CITUS_XSHARD')
    expect((await create('noted_again', 'select count(*) as n from notes')).err).not.toContain('CITUS_XSHARD')
  })
})
