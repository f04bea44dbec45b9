import { type ClusterDatabase, clusterUrls, createClusterDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { raw, sql } from '../sql.ts'
import { HAS_CITUS, type Placement, readPlacement } from './placement.ts'

/**
 * All that Freshet relies on of Citus, each by itself: a version that does something otherwise fails here, and says what.
 */
describe.skipIf(clusterUrls() === null)('the contract with Citus', () => {
  let own: ClusterDatabase
  const rows = (text: string) => own.database.query(raw(text))

  beforeAll(async () => {
    own = await createClusterDatabase()
    for (const statement of [
      'create table d (id bigint, k int, v int, primary key (k, id))',
      `select create_distributed_table('d', 'k')`,
      'create table beside (k int not null, v int)',
      `select create_distributed_table('beside', 'k', colocate_with => 'public.d')`,
      'create table r (id int primary key)',
      `select create_reference_table('r')`,
      'create table s (id int primary key)',
      `select create_distributed_table('s', null)`,
      'create table m (id int primary key)',
      `select citus_add_local_table_to_metadata('m')`,
      'create table l (id int primary key)',
      'insert into d select i, i, i from generate_series(1, 40) i',
      'insert into beside select i, i from generate_series(1, 40) i',
    ])
      await rows(statement)
    const client = await own.client()
    await client.query('set citus.enable_schema_based_sharding to on')
    await client.query('create schema tenant')
    await client.query('create table tenant.t (id int primary key)')
  })

  afterAll(async () => own.drop())

  test('where a table is', async () => {
    const placed = async (name: string): Promise<Placement> => {
      const [row] = await own.database.query<{ oid: number; citus: boolean }>(
        sql`select ${name}::regclass::oid::int8::float8 as oid, ${HAS_CITUS} as citus`,
      )
      expect(row?.citus).toBe(true)
      return readPlacement(own.database, row?.oid ?? 0)
    }
    expect(await placed('l')).toEqual({ kind: 'local' })
    expect(await placed('m')).toEqual({ kind: 'managed' })
    expect(await placed('r')).toEqual({ kind: 'reference' })
    const distributed = await placed('d')
    expect(distributed).toMatchObject({ kind: 'distributed', column: 'k', type: 'integer', shards: 8 })
    expect(await placed('beside')).toEqual(distributed)
    expect(await placed('s')).toMatchObject({ kind: 'single', schema: null, shards: 1 })
    expect(await placed('tenant.t')).toMatchObject({ kind: 'single', schema: 'tenant', shards: 1 })
    await rows('alter table d rename column k to "K k"')
    expect(await placed('d')).toMatchObject({ column: 'K k' })
    await rows('alter table d rename column "K k" to k')
  })

  test('settings that anybody may set', async () => {
    const client = await own.client()
    const role = `anybody_${own.name}`
    await client.query(`create role ${role}`)
    await client.query(`set role ${role}`)
    // some are hidden from pg_settings
    for (const setting of [
      'enable_unsafe_triggers to on',
      `multi_shard_modify_mode to 'sequential'`,
      'enable_ddl_propagation to off',
      `propagate_set_commands to 'local'`,
    ])
      await client.query(`set citus.${setting}`)
    await client.query('reset role')
    await client.query('reset citus.enable_ddl_propagation')
    await client.query(`drop role ${role}`)
  })

  test('co-located shards have equal bounds, and the coordinator a copy of reference tables', async () => {
    const [paired] = await rows(`
      select count(*)::int as shards, count(distinct p.groupid)::int as nodes
      from pg_dist_shard a join pg_dist_shard b on b.shardminvalue is not distinct from a.shardminvalue
          and b.shardmaxvalue is not distinct from a.shardmaxvalue
        join pg_dist_placement p on p.shardid = a.shardid join pg_dist_placement q on q.shardid = b.shardid and q.groupid = p.groupid
      where a.logicalrelid = 'd'::regclass and b.logicalrelid = 'beside'::regclass`)
    expect(paired).toEqual({ shards: 8, nodes: 3 })
    expect(
      await rows(`select p.groupid from pg_dist_shard s join pg_dist_placement p using (shardid)
        where s.logicalrelid = 'r'::regclass order by 1`),
    ).toContainEqual({ groupid: 0 })
    expect(await rows('select groupid from pg_dist_local_group')).toEqual([{ groupid: 0 }])
  })

  test('after a DELETE, all that is co-located is read in the snapshot of that', async () => {
    const [reader, writer] = [await own.client(), await own.client()]
    await reader.query('begin isolation level repeatable read')
    await reader.query(`set local citus.multi_shard_modify_mode to 'sequential'`)
    await reader.query('with gone as (delete from beside returning k, v) insert into l select k from gone')
    await writer.query('update d set v = v + 1000')
    await writer.query('insert into beside select i, i from generate_series(1, 40) i')
    const seen = await reader.query<{ most: number }>('select max(v) as most from d')
    expect(seen.rows).toEqual([{ most: 40 }])
    const joined = await reader.query<{ n: string }>('select count(*) as n from d join beside using (k)')
    expect(joined.rows).toEqual([{ n: '0' }])
    await reader.query('commit')
    expect(await rows('select count(*)::int as n from l')).toEqual([{ n: 40 }])
    expect(await rows('select count(*)::int as n from beside')).toEqual([{ n: 40 }])
  })

  test('a row that another transaction deletes is a serialization failure, not a wait without end', async () => {
    const [one, other] = [await own.client(), await own.client()]
    for (const client of [one, other]) {
      await client.query('begin isolation level repeatable read')
      await client.query(`set local citus.propagate_set_commands to 'local'`)
      await client.query(`set local lock_timeout to '200ms'`)
    }
    await one.query('delete from beside where k = 1')
    await expect(other.query('delete from beside where k = 1')).rejects.toMatchObject({ code: '55P03' })
    await one.query('commit')
    await other.query('rollback')
  })

  test('a trigger fires on the shard, is named after it, and finds the transition table', async () => {
    const client = await own.client()
    await client.query(`create function seen() returns trigger language plpgsql as $$
      begin
        execute 'insert into ' || (select 'beside_' || b.shardid from pg_dist_shard s join pg_dist_shard b
            on b.shardminvalue = s.shardminvalue and b.logicalrelid = 'beside'::regclass
          where s.shardid = substring(tg_table_name from '_(\\d+)$')::bigint) || ' select k, -1 from added';
        return null;
      end $$`)
    await client.query('set citus.enable_unsafe_triggers to on')
    await client.query(
      'create trigger seen after insert on d referencing new table as added for each statement execute function seen()',
    )
    const worker = await own.client(own.workerUrls[1])
    await worker.query('insert into d select i, i, i from generate_series(101, 110) i')
    await worker.query('begin')
    await worker.query('insert into d select i, i, i from generate_series(201, 210) i')
    await worker.query('rollback')
    expect(await rows('select k from beside where v = -1 order by 1')).toEqual(
      Array.from({ length: 10 }, (_, i) => ({ k: 101 + i })),
    )
    await client.query('drop function seen() cascade')
  })
})
