import { connect } from '@freshet/client'
import { clusterUrls, createClusterDatabase } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'

describe.skipIf(clusterUrls() === null)('a role that is no superuser', () => {
  test('installs Freshet, and keeps stream tables over distributed tables of its own', async () => {
    await using own = await createClusterDatabase({ migrated: false })
    const admin = await own.client()
    const role = `keeper_${own.name}`
    await admin.query(`create role ${role} login`)
    await admin.query(`grant create on database ${own.name} to ${role}`)
    await admin.query(`grant create on schema public to ${role}`)
    const freshet = await connect(own.url.replace('postgres@', `${role}@`))
    try {
      await freshet.init()
      const keeper = await own.client(own.url.replace('postgres@', `${role}@`))
      await keeper.query('create table orders (id int primary key, amount int)')
      await keeper.query(`select create_distributed_table('orders', 'id')`)
      await keeper.query('insert into orders select i, i from generate_series(1, 100) i')
      await freshet.create({ name: 'total', query: 'select sum(amount) as total from orders', mode: 'differential' })
      await keeper.query('update orders set amount = amount + 1')
      expect(await freshet.refresh('total')).toMatchObject({ action: 'differential' })
      expect(await freshet.verify('total')).toMatchObject({ equal: true, rows: 1 })
      await freshet.drop('total')
    } finally {
      await freshet.close()
    }
    await admin.query(`drop owned by ${role} cascade`)
    await admin.query(`drop role ${role}`)
  })
})
