import { type ClusterDatabase, clusterUrls, createClusterDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { raw, sql } from '../sql.ts'
import { CITUS_VERSION, isCapable, OLDEST_CITUS } from './capabilities.ts'
import { type Placement, readPlacement } from './placement.ts'

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
      const [row] = await own.database.query<{ oid: number; citus: string | null }>(
        sql`select ${name}::regclass::oid::int8::float8 as oid, ${CITUS_VERSION} as citus`,
      )
      expect(isCapable(row?.citus ?? null)).toBe(true)
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
    expect(
      await rows(
        `select column_to_column_name(logicalrelid, partkey) as name from pg_dist_partition where logicalrelid = 'd'::regclass`,
      ),
    ).toEqual([{ name: 'k' }])
    expect(await rows('select schemaid::regnamespace::text as schema from pg_dist_schema')).toEqual([
      { schema: 'tenant' },
    ])
  })

  test('the shard of a value is that of the tables beside, and the one of a table that is not cut', async () => {
    const [found] = await rows(`
      select count(*)::int as values, count(*) filter (where d.shardminvalue = b.shardminvalue)::int as beside
      from generate_series(1, 100) as k
        join pg_dist_shard d on d.shardid = get_shard_id_for_distribution_column('d', k)
        join pg_dist_shard b on b.shardid = get_shard_id_for_distribution_column('beside', k)`)
    expect(found).toEqual({ values: 100, beside: 100 })
    expect(
      await rows(`select from pg_dist_shard where logicalrelid = 's'::regclass
        and shardid = get_shard_id_for_distribution_column('s', null::text)`),
    ).toHaveLength(1)
  })

  test('the coordinator is in the metadata since citus_set_coordinator_host, and holds no shards', async () => {
    expect(
      await rows('select shouldhaveshards as shards, isactive as active from pg_dist_node where groupid = 0'),
    ).toEqual([{ shards: false, active: true }])
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

  test('a command is run on each shard, and on each node, and one that fails is told apart', async () => {
    const sizes = await rows(`select s.shardid::int8 = r.shardid as known, r.success, r.result::int as n
      from run_command_on_shards('d', 'select count(*) from %s') r join pg_dist_shard s using (shardid)`)
    expect(sizes).toHaveLength(8)
    expect(sizes.every(({ known, success }) => known === true && success === true)).toBe(true)
    expect(sizes.reduce((sum, { n }) => sum + Number(n), 0)).toBe(40)
    const nodes = await rows(
      `select nodeid > 0 as node, success, result from run_command_on_all_nodes('select groupid from pg_dist_local_group') order by result`,
    )
    expect(nodes.map(({ result }) => result)).toEqual(['0', '1', '2', '3'])
    const failed = await rows(`select success, result from run_command_on_all_nodes('select 1 / 0')`)
    expect(failed).toHaveLength(4)
    expect(failed.every(({ success, result }) => success === false && String(result).includes('division'))).toBe(true)
  })

  test('a table that is placed in a session that has turned propagation off, by a transaction that turns it on', async () => {
    const client = await own.client()
    await client.query('begin')
    await client.query('set local citus.enable_ddl_propagation to off')
    await client.query('set local citus.enable_ddl_propagation to on')
    await client.query('create table late (id int primary key)')
    await client.query(`select create_distributed_table('late', 'id')`)
    await client.query('commit')
    const worker = await own.client(own.workerUrls[0])
    expect((await worker.query(`select to_regclass('late') is not null as there`)).rows).toEqual([{ there: true }])
    await rows('drop table late')
  })

  test('an explained plan says what each shard runs for itself, and what passes through the coordinator', async () => {
    const planOf = async (statement: string) =>
      JSON.stringify((await rows(`explain (format json) ${statement}`))[0]?.['QUERY PLAN'])
    const pushed = await planOf('insert into beside select k, count(*) from d group by k')
    expect(pushed).toContain('"Citus Adaptive"')
    expect(pushed).not.toContain('"INSERT/SELECT method"')
    expect(await planOf('insert into beside select v, count(*) from d group by v')).toContain('"INSERT/SELECT method"')
    const cte = 'with x as materialized (select v, count(*) as n from d group by v) select * from x join d on d.k = x.n'
    expect(await planOf(cte)).toContain('"Subplans"')
  })

  test('a lock on a distributed table holds off writers on all nodes', async () => {
    const [holder, writer] = [await own.client(), await own.client(own.workerUrls[0])]
    await holder.query('begin')
    await holder.query('lock table d in share mode')
    await writer.query(`set lock_timeout to '200ms'`)
    await expect(writer.query('update d set v = v where k = 1')).rejects.toMatchObject({ code: '55P03' })
    await holder.query('commit')
    await writer.query('update d set v = v where k = 1')
  })

  test('what a table was placed by can be taken back, and reference tables copied to all nodes', async () => {
    await rows('create table back (id int primary key)')
    await rows(`select create_distributed_table('back', 'id')`)
    await rows(`select undistribute_table('back')`)
    expect(await rows(`select from pg_dist_partition where logicalrelid = 'back'::regclass`)).toEqual([])
    await rows('drop table back')
    await rows('select replicate_reference_tables()')
  })

  test('the version is one that has what is needed', async () => {
    const [row] = await rows(`select extversion from pg_extension where extname = 'citus'`)
    expect(Number.parseFloat(String(row?.['extversion']))).toBeGreaterThanOrEqual(Number(OLDEST_CITUS))
  })

  test('anybody may ask whether a node answers, and for how long to wait for it', async () => {
    const client = await own.client()
    const role = `asking_${own.name}`
    await client.query(`create role ${role} login`)
    await client.query(`set role ${role}`)
    await client.query(`set citus.node_connection_timeout to '4s'`)
    const asked = await client.query<{ group: number }>(`
      select groupid as "group" from pg_dist_node where isactive and noderole = 'primary' and groupid > 0 order by 1`)
    expect(asked.rows).toHaveLength(3)
    const reached = await client.query(
      'select bool_and(citus_check_connection_to_node(nodename, nodeport)) as reached from pg_dist_node where groupid > 0',
    )
    expect(reached.rows).toEqual([{ reached: true }])
    await client.query('reset role')
    await client.query(`drop role ${role}`)
    expect(await rows(`select citus_check_connection_to_node('127.0.0.1', 1) as reached`)).toEqual([{ reached: false }])
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
