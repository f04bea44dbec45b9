import { randomUUID } from 'node:crypto'
import { type Fragment, isSharded, literal, type Placement, type Queryable, raw, sql } from '@freshet/core'
import { hasSameText, keyText } from './key-text.ts'
import { epochTable, shardBuffer } from './shard-names.ts'

/**
 * Whether the coordinator and the nodes remember the same collections. Who comes back from an older backup than the
 * others does not: the coordinator has lost from its log what the workers have not any more, or a worker has again what is
 * in the log already. Then frontiers tell nothing.
 *
 * So each collection gives its source an epoch, a word that no other has: in the catalog, and on every node with shards of
 * the source, in witnesses: rows of a table co-located with it, which go where the shards go. All of it is of one
 * transaction, which Citus commits in two phases. As long as a backup and what it is put beside have the same epoch,
 * nothing was collected in between, and they fit each other; whatever else happened is in shards and buffers alike.
 *
 * A witness is in a shard by its key, which has to be a value that belongs there: that of some row which was collected. On a
 * node of whose shards nothing was ever collected there is none, and none is needed.
 */
interface Remembered {
  readonly epoch: string | null
  readonly keys: readonly string[]
  /** Nodes that have shards of the source, and no witness. */
  readonly bare: readonly number[]
}

interface PlacedSource {
  readonly name: string
  readonly placement: Placement
}

/** For who only looks: a collection may be under way, so a no is a reason to collect. */
export async function isOfEpoch(queryable: Queryable, { name, placement }: PlacedSource): Promise<boolean> {
  if (!isSharded(placement)) return true
  const { epoch, keys } = await remembered(queryable, name, placement)
  const witnesses = await queryable.query<{ epoch: string }>(
    sql`select epoch from ${epochTable(name, placement)} ${among(placement, keys)}`,
  )
  return witnesses.length === keys.length && witnesses.every((witness) => witness.epoch === epoch)
}

/** After the buffer was emptied, in the same transaction. Returns whether all remembered the epoch that was. */
export async function renewEpoch(transaction: Queryable, { name, placement }: PlacedSource): Promise<boolean> {
  const { epoch, keys, bare } = await remembered(transaction, name, placement)
  const next = randomUUID()
  const table = epochTable(name, placement)
  const renew = async (where: Fragment): Promise<readonly { readonly key: string; readonly before: string }[]> => {
    const update = sql`update ${table} set before = epoch, epoch = ${literal(next)} ${where}`
    const read = sql`${keyed(placement) ? keyText(raw('__k'), placement) : sql`''`} as key, before`
    // what is immutable, Citus returns from the shards
    if (hasSameText(placement)) return transaction.query(sql`${update} returning ${read}`)
    await transaction.query(update)
    return transaction.query(sql`select ${read} from ${table} ${where}`)
  }
  const found = bare.length > 0 ? await keysOn(transaction, name, placement, bare) : []
  // without a witness here there may be some there: of a catalog that was given up for an older one
  let witnesses = await renew(found.length > 0 || keys.length === 0 ? sql`` : among(placement, keys))
  const same = witnesses.length === keys.length && witnesses.every(({ before }) => before === epoch)
  if (!same) witnesses = await renew(sql``)
  const known = new Set(witnesses.map(({ key }) => key))
  const added = found.filter((key) => !known.has(key))
  for (const key of added)
    await transaction.query(
      keyed(placement)
        ? sql`insert into ${table} (__k, epoch) values (${typed(placement, key)}, ${literal(next)})`
        : sql`insert into ${table} (epoch) values (${literal(next)})`,
    )
  await transaction.query(
    sql`insert into freshet.shard_epoch (stable_name, epoch, keys)
      values (${name}, ${next}, ${[...known, ...added]}::text[])
      on conflict (stable_name) do update set epoch = excluded.epoch, keys = excluded.keys`,
    { prepared: true },
  )
  return same
}

/**
 * What reads the source is computed anew, and what reads that; so is what lies on other nodes itself, which the catalog may
 * take to be older than it is.
 */
export async function distrust(transaction: Queryable, name: string): Promise<void> {
  await transaction.query(sql`
    with recursive concerned as (
      select d.stream_table_id from freshet.dependency d where d.stable_name = ${name}
      union
      select t.stream_table_id from freshet.stream_table t where t.plan -> 'output' is not null
      union
      select d.stream_table_id
      from concerned c join freshet.stream_table t using (stream_table_id) join freshet.dependency d using (stable_name)
    )
    update freshet.stream_table_state s set reinitialize = 'NODE_SET_BACK', version = freshet.next_version(s.version)
    from concerned c where s.stream_table_id = c.stream_table_id`)
}

async function remembered(queryable: Queryable, name: string, placement: Placement): Promise<Remembered> {
  const table = literal(epochTable(name, placement).text)
  const witnessed = keyed(placement)
    ? sql`select w.groupid from unnest(e.keys) as key
        join pg_catalog.pg_dist_placement w on w.shardid = get_shard_id_for_distribution_column(${table}, key)`
    : sql`select p.groupid where cardinality(e.keys) > 0`
  const [row] = await queryable.query<Remembered>(
    sql`select e.epoch, coalesce(e.keys, '{}') as keys, array(
        select distinct p.groupid from pg_catalog.pg_dist_shard s join pg_catalog.pg_dist_placement p using (shardid)
        where s.logicalrelid = ${table}::regclass and (e.keys is null or p.groupid not in (${witnessed}))
      ) as bare
      from (select) as one left join freshet.shard_epoch e on e.stable_name = ${name}`,
    { prepared: true },
  )
  return row ?? { epoch: null, keys: [], bare: [] }
}

/**
 * A key of each of these nodes that has one, of the rows that were collected: to others, which are asked here, the buffer is
 * as full as before.
 */
async function keysOn(
  transaction: Queryable,
  name: string,
  placement: Placement,
  groups: readonly number[],
): Promise<readonly string[]> {
  if (!keyed(placement)) return ['']
  const read = sql`select '=' || ${keyText(raw('__k'), placement)} from %s limit 1`
  const rows = await transaction.query<{ key: string }>(sql`
    select distinct on (p.groupid) substring(r.result from 2) as key
    from run_command_on_shards(${literal(shardBuffer(name, placement).text)}, ${literal(read.text)}) r
      join pg_catalog.pg_dist_placement p using (shardid)
    where r.success and r.result like '=%' and p.groupid = any(${[...groups]}::int[])
    order by p.groupid, p.shardid`)
  return rows.map(({ key }) => key)
}

function keyed(placement: Placement): placement is Placement & { readonly kind: 'distributed' } {
  return placement.kind === 'distributed'
}

/** Values in the text, so that Citus asks their shards alone. */
function among(placement: Placement, keys: readonly string[]): Fragment {
  if (!keyed(placement) || keys.length === 0) return sql``
  const values = keys.map((key) => typed(placement, key).text)
  return raw(`where __k in (${values.join(', ')})`)
}

function typed(placement: Placement & { readonly kind: 'distributed' }, key: string): Fragment {
  return raw(`${literal(key).text}::${placement.type}`)
}
