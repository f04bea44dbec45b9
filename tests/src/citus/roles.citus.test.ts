import { connect } from '@freshet/client'
import { rolesScript } from '@freshet/core'
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

  test('refreshes, here and on the workers, and may do nothing else', { timeout: 60_000 }, async () => {
    await using own = await createClusterDatabase({ migrated: false, shards: 4 })
    const admin = await own.client()
    await admin.query('create schema shop; create table shop.orders (id int primary key, amount int)')
    await admin.query(`select create_distributed_table('shop.orders', 'id')`)
    await admin.query('insert into shop.orders select i, i from generate_series(1, 100) i')
    const prefix = `roles_${own.name.slice(-6)}`
    const script = rolesScript({ prefix, database: own.name, schemas: ['shop'] })
    const as = (name: string) => own.url.replace('postgres@', `${prefix}_${name}@`)
    await admin.query(script)
    for (const name of ['owner', 'refresher']) await admin.query(`alter role ${prefix}_${name} login`)
    await admin.query(`alter table shop.orders owner to ${prefix}_owner`)
    const owner = await connect(as('owner'))
    const refresher = await connect(as('refresher'))
    try {
      await owner.init()
      await admin.query(script)
      const mode = { mode: 'differential' } as const
      await owner.create({ name: 'shop.total', query: 'select sum(amount) as total from shop.orders', ...mode })
      await owner.create({
        name: 'shop.doubled',
        query: 'select id, 2 * amount as amount from shop.orders',
        placement: 'distributed',
        ...mode,
      })
      await owner.create({
        name: 'shop.tens',
        query: `select id, count(*) as n from (
          select id, amount / 10 as ten, count(*) as m from shop.orders group by id, amount / 10) t group by id`,
        placement: 'distributed',
        ...mode,
      })
      const { rows } = await admin.query('select from freshet.shard_queue_reader')
      expect(rows).toHaveLength(2)
      for (const change of ['update shop.orders set amount = amount + 1', 'delete from shop.orders where id < 50']) {
        await admin.query(change)
        for (const name of ['shop.total', 'shop.doubled', 'shop.tens']) {
          expect(await refresher.refresh(name)).toMatchObject({ action: 'differential' })
          expect(await refresher.verify(name)).toMatchObject({ equal: true })
          expect(await refresher.refresh(name, { full: true })).toMatchObject({ action: 'full' })
        }
      }
      await expect(refresher.drop('shop.total')).rejects.toMatchObject({ code: 'INSUFFICIENT_PRIVILEGE' })
      for (const name of ['shop.tens', 'shop.doubled', 'shop.total']) await owner.drop(name)
    } finally {
      await owner.close()
      await refresher.close()
    }
    for (const name of ['owner', 'refresher', 'reader', 'writer']) {
      await admin.query(`drop owned by ${prefix}_${name} cascade`)
      await admin.query(`drop role ${prefix}_${name}`)
    }
  })
})
