import { clusterUrls, createClusterDatabase, findCitus, startCluster } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'

/**
 * Why capture on a cluster does not read the logs of its workers (decision 19). When this fails, Citus has mended it, and the
 * decision wants another look.
 */
const ROWS = 40

describe.skipIf(clusterUrls() === null)('logical replication slots on the workers', () => {
  test('lose changes of a shard that was split before they were read, and say nothing', async () => {
    const binaries = await findCitus()
    if (binaries === null) throw new Error('there is no Citus any more')
    // its settings are those of a server
    await using cluster = await startCluster(binaries)
    await using own = await createClusterDatabase({ cluster, shards: 4 })
    const coordinator = await own.client()
    await coordinator.query(
      `select * from run_command_on_all_nodes('alter system set citus.enable_change_data_capture to on')`,
    )
    await coordinator.query(`select * from run_command_on_all_nodes('select pg_reload_conf()')`)
    await coordinator.query('create table t (id int primary key, v int)')
    await coordinator.query(`select create_distributed_table('t', 'id')`)
    await coordinator.query('create publication changes for table t')
    const workers = await Promise.all(own.workerUrls.map((url) => own.client(url)))
    for (const worker of workers) await worker.query(`select pg_create_logical_replication_slot('changes', 'pgoutput')`)
    const read = async () => {
      let rows = 0
      for (const worker of workers) {
        const { rows: messages } = await worker.query<{ data: Buffer }>(
          `select data from pg_logical_slot_get_binary_changes('changes', null, null, 'proto_version', '1', 'publication_names', 'changes')`,
        )
        rows += messages.filter(({ data }) => String.fromCharCode(data[0] ?? 0) === 'I').length
      }
      return rows
    }
    await coordinator.query(`insert into t select i, 0 from generate_series(1, ${ROWS}) i`)
    expect(await read()).toBe(ROWS)

    await coordinator.query(`insert into t select i, 0 from generate_series(1001, ${1000 + ROWS}) i`)
    const { rows } = await coordinator.query<{ id: string; middle: string; node: number }>(`
      select s.shardid::text as id, ((s.shardminvalue::bigint + s.shardmaxvalue::bigint) / 2)::text as middle, n.nodeid as node
      from pg_dist_shard s join pg_dist_placement p using (shardid) join pg_dist_node n using (groupid)
      where s.logicalrelid = 't'::regclass order by s.shardid limit 1`)
    const [shard] = rows
    if (shard === undefined) throw new Error('t has no shards')
    await coordinator.query(
      `select citus_split_shard_by_split_points(${shard.id}, array['${shard.middle}'], array[${shard.node}, ${shard.node}], 'block_writes')`,
    )
    for (const worker of workers) await worker.query('vacuum pg_dist_shard')
    const lost = ROWS - (await read())
    for (const worker of workers) await worker.query(`select pg_drop_replication_slot('changes')`)
    expect(lost).toBeGreaterThan(0)
    console.log({ rows: ROWS, lost })
  })
})
