import { sql } from '@freshet/core'
import { describe, expect, test } from 'vitest'
import { clusterUrls, createClusterDatabase } from './cluster-database.ts'

describe.skipIf(clusterUrls() === null)('the test cluster', () => {
  test('distributes a table over three workers, and is migrated', async () => {
    await using own = await createClusterDatabase()
    const { database } = own
    await database.query(sql`create table t (id int primary key)`)
    await database.query(sql`select create_distributed_table('t', 'id')`)
    await database.query(sql`insert into t select generate_series(1, 1000)`)
    const [placed] = await database.query(sql`
      select count(distinct nodeport)::int as nodes, count(*)::int as shards from citus_shards where table_name = 't'::regclass`)
    expect(placed).toEqual({ nodes: 3, shards: 8 })
    expect(own.workerUrls).toHaveLength(3)
    const [installed] = await database.query(sql`select count(*)::int as tables from freshet.source`)
    expect(installed).toEqual({ tables: 0 })
  })
})
