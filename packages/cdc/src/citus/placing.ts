import { displayName, type Fragment, FreshetError, isSharded, type Placement, type Queryable, sql } from '@freshet/core'
import type { SourceFacts } from '../source-facts.ts'

/**
 * What a transaction that installs or removes the capture of a placed source begins with: Citus permits triggers on its
 * tables only in sessions that ask for them, and functions beside tables only where each node is reached over one
 * connection.
 */
export function placing(placement: Placement): readonly Fragment[] {
  if (placement.kind === 'local') return []
  return [
    sql`set local citus.multi_shard_modify_mode to 'sequential'`,
    sql`set local citus.enable_unsafe_triggers to on`,
  ]
}

/** What can not be captured where it is placed is refused before anything is touched. */
export async function refusePlacement(queryable: Queryable, facts: SourceFacts): Promise<void> {
  const { placement } = facts
  if (placement.kind === 'local') return
  const name = displayName(facts)
  const refuse = (reason: string, hint: string) =>
    new FreshetError('NOT_CAPTURABLE', `${name} ${reason}: its changes can not be captured`, { hint })
  if (placement.kind === 'unsupported')
    throw refuse(
      'is distributed by range or by appending',
      `Distribute it by hash: select undistribute_table('${name}'); select create_distributed_table('${name}', …).`,
    )
  if (facts.kind !== 'p' && facts.members.length > 1)
    throw refuse('is placed by Citus and has children', 'Let them be partitions, which Citus distributes as well.')
  const [here] = await queryable.query<{ coordinator: boolean; copy: boolean }>(sql`
    select (select groupid from pg_catalog.pg_dist_local_group) = 0 as coordinator,
      exists (
        select from pg_catalog.pg_dist_shard s join pg_catalog.pg_dist_placement p using (shardid)
        where s.logicalrelid = ${facts.oid}::oid and p.groupid = 0
      ) as copy`)
  if (here?.coordinator !== true)
    throw refuse('is captured from the coordinator only', 'Give the database URL of the coordinator.')
  if (!isSharded(placement) && !here.copy)
    throw refuse(
      'has no copy on the coordinator, where the changes of a reference table are captured',
      `Tell Citus of it: select citus_set_coordinator_host('…'); select replicate_reference_tables();`,
    )
}
