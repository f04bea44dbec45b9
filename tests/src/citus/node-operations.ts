import { expect, vi } from 'vitest'
import { LONG } from '../length.ts'
import { NoSuchRow } from './bank.ts'
import type { CitusWorld } from './world.ts'

/** What one does to the nodes of a cluster, over the tables of the bank. Writers stay on the coordinator and on one worker. */
export interface Chosen {
  readonly owner: number
  readonly mode: TransferMode
}

export type TransferMode = 'block_writes' | 'force_logical'

/** Nobody is connected to these, by their numbers among the workers. */
const LEAVING = 2
export const MOVING = 0

type Operations<Name extends string> = Readonly<Record<Name, (chosen: Chosen) => Promise<void>>>

/** In this order: each begins where the one before has ended. */
export function nodeOperations(
  world: CitusWorld,
): Operations<
  | 'a tenant is isolated'
  | 'a node is drained'
  | 'a node is disabled'
  | 'a node is activated'
  | 'a node is removed'
  | 'a node is added'
  | 'shards are rebalanced'
> {
  const place = `'127.0.0.1', ${portOf(world, LEAVING)}`
  const copies = `select replicate_reference_tables('block_writes')`
  return {
    'a tenant is isolated': ({ owner }) => isolate(world, owner),
    'a node is drained': ({ mode }) => drain(world, place, mode),
    'a node is disabled': () => world.run(`select citus_disable_node(${place}, synchronous => true)`),
    'a node is activated': () => world.run(`select citus_activate_node(${place})`, copies),
    'a node is removed': () => world.run(`select citus_remove_node(${place})`),
    'a node is added': () => world.run(`select citus_add_node(${place})`, copies),
    'shards are rebalanced': ({ mode }) => rebalance(world, mode),
  }
}

/** `through`: a port from which the node that moves is reached as well. */
export function namings(
  world: CitusWorld,
  through: number,
): Operations<'a node has another port' | 'a node has another name' | 'a node has the old name'> {
  const port = portOf(world, MOVING)
  return {
    'a node has another port': () => rename(world, port, '127.0.0.1', through),
    'a node has another name': () => rename(world, through, 'localhost', port),
    'a node has the old name': () => rename(world, port, '127.0.0.1', port),
  }
}

/** What Citus does to writers on tables without any trigger, too; null: anything else. */
export function isOfCitus(error: unknown): string | null {
  if (error instanceof NoSuchRow) return 'a shard that is split: no row'
  if (!(error instanceof Error)) return null
  if (error.message === 'shard for the given value does not exist') return 'a shard that is split: no shard'
  if (error.message.endsWith('but there are no nodes in that group')) return 'a node that is removed: no node'
  return Reflect.get(error, 'code') === '40P01' ? 'a deadlock with shards that move' : null
}

export function portOf(world: CitusWorld, worker: number): number {
  return Number(new URL(world.own.workerUrls[worker] ?? '').port)
}

async function isolate(world: CitusWorld, owner: number): Promise<void> {
  const [shard] = await world.rows(`
    select shardminvalue = shardmaxvalue as alone from pg_dist_shard
    where shardid = get_shard_id_for_distribution_column('account', ${owner})`)
  if (shard?.['alone'] === true) return
  await world.run(
    `select isolate_tenant_to_new_shard('account', ${owner}, 'CASCADE', shard_transfer_mode => 'block_writes')`,
  )
}

async function drain(world: CitusWorld, place: string, mode: TransferMode): Promise<void> {
  await world.run(`select citus_drain_node(${place}, shard_transfer_mode => '${mode}')`)
  await cleaned(world)
}

/** What moves leave behind is dropped later: not from a node that is not there any more. */
export async function cleaned(world: CitusWorld): Promise<void> {
  await vi.waitFor(
    async () => {
      await world.run('call citus_cleanup_orphaned_resources()')
      expect(await world.rows('select from pg_dist_cleanup')).toEqual([])
    },
    { timeout: 30_000, interval: 200 },
  )
}

async function rebalance(world: CitusWorld, mode: TransferMode): Promise<void> {
  if (!LONG) return world.run(`select rebalance_table_shards(shard_transfer_mode => '${mode}')`)
  await world.run(`select citus_rebalance_start(shard_transfer_mode => '${mode}')`, 'select citus_rebalance_wait()')
}

async function rename(world: CitusWorld, from: number, name: string, port: number): Promise<void> {
  await world.run(`select citus_update_node(nodeid, '${name}', ${port}) from pg_dist_node where nodeport = ${from}`)
  expect(await world.rows(`select from pg_dist_node where nodename = '${name}' and nodeport = ${port}`)).toHaveLength(1)
  const synced = 'select bool_and(metadatasynced) as synced from pg_dist_node where groupid > 0'
  await vi.waitFor(async () => expect(await world.rows(synced)).toEqual([{ synced: true }]), { timeout: 30_000 })
}
