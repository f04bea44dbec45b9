import { clusterUrls } from '@freshet/testkit'
import { describe, expect, test } from 'vitest'
import { createCitusWorld } from './world.ts'

/** The tables, each with two columns, and how Citus places them. */
const PLACED: Readonly<Record<string, string>> = {
  cut: `select create_distributed_table('cut', 'id')`,
  whole: `select create_distributed_table('whole', null)`,
  copied: `select create_reference_table('copied')`,
  known: `select citus_add_local_table_to_metadata('known')`,
}

const all = (action: string) => Object.fromEntries(Object.keys(PLACED).map((name) => [`of_${name}`, action]))

/**
 * A statement trigger for TRUNCATE is on the table that people name, and not on its shards; but where Citus makes a shard
 * anew, it makes it with all triggers that the table has. Whoever truncates must not fail of that, on any node.
 */
describe.skipIf(clusterUrls() === null)('a TRUNCATE', () => {
  test('after shards were moved, and copies made on another node', { timeout: 60_000 }, async () => {
    await using world = await createCitusWorld({ shards: 4 })
    for (const [name, place] of Object.entries(PLACED)) {
      await world.run(
        `create table ${name} (id int primary key, v int not null)`,
        place,
        `insert into ${name} select i, i from generate_series(1, 40) i`,
      )
      await world.stream(`of_${name}`, `select count(*) as n, sum(v) as total from ${name}`)
    }
    const [leaving] = await world.rows('select nodeport as port from pg_dist_node order by groupid desc limit 1')
    const node = `'127.0.0.1', ${Number(leaving?.['port'])}`
    // every shard of the two is made anew somewhere, and so is a copy of the third
    await world.run(
      `select citus_drain_node(${node}, shard_transfer_mode => 'block_writes')`,
      'call citus_cleanup_orphaned_resources()',
      `select citus_remove_node(${node})`,
      `select citus_add_node(${node})`,
      `select replicate_reference_tables('block_writes')`,
      `select rebalance_table_shards('cut', shard_transfer_mode => 'block_writes', threshold => 0)`,
    )
    const made = await world.rows(`select nodeport as port, result::int as triggers from run_command_on_workers(
      $$select count(*) from pg_trigger where tgname like 'freshet_truncate_%' and tgrelid not in (select logicalrelid from pg_dist_partition)$$)`)
    // else nothing is tried
    expect(made.some(({ triggers }) => Number(triggers) > 0)).toBe(true)
    const worker = await world.writer(0)
    for (const run of [(statement: string) => world.run(statement), (statement: string) => worker.query(statement)]) {
      for (const name of Object.keys(PLACED)) {
        await run(`truncate ${name}`)
        await run(`insert into ${name} values (1, 1), (2, 5)`)
      }
      expect(await world.follow()).toEqual(all('full'))
      for (const name of Object.keys(PLACED)) await run(`update ${name} set v = v + 1`)
      expect(await world.follow()).toEqual(all('differential'))
    }
  })
})
