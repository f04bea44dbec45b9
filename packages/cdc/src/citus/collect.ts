import {
  areColocated,
  type CapturedColumn,
  displayName,
  type Fragment,
  FreshetError,
  isSharded,
  join,
  type Placement,
  type Queryable,
  sql,
} from '@freshet/core'
import { logTable, packTable } from '../capture-names.ts'
import { newColumn, oldColumn } from '../capture-log.ts'
import { fillQueue, hasLogReaders, noteMoved, queuesOf } from './queues.ts'
import { distrust, isOfEpoch, renewEpoch } from './epoch.ts'
import { epochTable, marksTable, shardBuffer } from './shard-names.ts'

/**
 * Brings the changes of placed sources into their logs on the coordinator, as rows of this REPEATABLE READ transaction.
 *
 * Each shard of a buffer is emptied by a DELETE. From then on Citus reaches that shard, and every shard beside it, over the
 * connection that deleted and no other, and what is sent over one connection in REPEATABLE READ is read in one snapshot.
 * So of each shard the rows and the changes are read in the same snapshot (L2), and a change row is handed over exactly
 * when the row that it tells of is visible. Change rows that the snapshot does not show stay for the next.
 *
 * On the coordinator they carry the id of this transaction, and all that is above the buffer knows of one node only:
 * frontiers, windows, polling, clean-up. Both happen or neither does: Citus commits a DELETE on several nodes in two
 * phases, the first of which is over before this transaction commits here.
 *
 * Whoever collects takes turns with others: the log is locked before the snapshot is taken (`lockedToCollect`), and Citus
 * commits on the workers before it is unlocked. So a snapshot on the coordinator that does not show what another has
 * collected has never workers that show that it is gone.
 */
export async function collect(transaction: Queryable, stableNames: readonly string[]): Promise<null> {
  const sources = await placedOf(transaction, stableNames)
  if (sources.length === 0) return null
  const [own] = await transaction.query<Collecting>(
    sql`select pg_current_xact_id()::text as xid, nextval('freshet.collection_number')::text as number,
      set_config('citus.multi_shard_modify_mode', 'sequential', true)`,
  )
  if (own === undefined) throw new FreshetError('INTERNAL', 'a transaction has no id')
  for (const source of sources) {
    await requireSound(transaction, source)
    await collectMarks(transaction, source, own)
    if (!isSharded(source.placement)) continue
    await collectRows(transaction, source, own)
    if (!(await renewEpoch(transaction, source))) await distrust(transaction, source.name)
  }
  await noteCollected(transaction, sources)
  return null
}

/**
 * For people; nobody else writes these rows meanwhile, for the logs are locked. And a last look: a trigger finds the shard of
 * a row by the column that the source was distributed by when the trigger was made. Where another has that name by now, what
 * was captured since may lie beside another shard. Whoever sees such a change sees here, after it, that the name has changed.
 */
async function noteCollected(transaction: Queryable, sources: readonly Collected[]): Promise<void> {
  const noted = await transaction.query<{ name: string; key: string | null }>(
    sql`insert into freshet.collection as c (stable_name, collected_at)
      select name, clock_timestamp() from unnest(${sources.map(({ name }) => name)}::text[]) as name
      on conflict (stable_name) do update set collected_at = excluded.collected_at
      returning stable_name as name, ${distributionColumn(sql`(
        select s.relation from freshet.source s where s.stable_name = c.stable_name)`)} as key`,
    { prepared: true },
  )
  for (const source of sources) {
    const key = noted.find(({ name }) => name === source.name)?.key
    if (source.placement.kind === 'distributed' && source.placement.column !== key) throw outOfPlace(source)
  }
}

/** As it is called now, whatever the snapshot. */
function distributionColumn(relation: Fragment): Fragment {
  return sql`(select pg_catalog.column_to_column_name(p.logicalrelid, p.partkey)
    from pg_catalog.pg_dist_partition p where p.logicalrelid = ${relation})`
}

/**
 * Of these sources, those that have changes which nobody has collected, or may have had: those that are placed otherwise, or
 * of which the nodes remember something else than the catalog does.
 */
export async function waitingElsewhere(
  queryable: Queryable,
  stableNames: readonly string[],
): Promise<readonly string[]> {
  const waiting: string[] = []
  for (const source of await placedOf(queryable, stableNames)) {
    const { name, placement } = source
    if (!(await isSound(queryable, source))) {
      waiting.push(name)
      continue
    }
    const tables = [marksTable(name), ...(isSharded(placement) ? [shardBuffer(name, placement)] : [])]
    for (const table of tables) {
      // apart: a statement over several of them would be one over tables that are not co-located
      const [row] = await queryable.query(sql`select from ${table} limit 1`)
      if (row === undefined) continue
      waiting.push(name)
      break
    }
    if (!waiting.includes(name) && !(await isOfEpoch(queryable, source))) waiting.push(name)
  }
  return waiting
}

function placedOf(queryable: Queryable, stableNames: readonly string[]): Promise<readonly Collected[]> {
  return queryable.query<Collected>(
    sql`
    select s.stable_name as name, s.schema_name as schema, s.table_name as table, s.relation, s.placement,
      s.captured_columns as captured
    from freshet.source s
    where s.stable_name = any(${stableNames}::text[]) and s.capture = 'trigger' and s.placed is not null
    order by s.relation`,
    { prepared: true },
  )
}

interface Collected {
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly relation: number
  readonly placement: Placement
  readonly captured: readonly CapturedColumn[]
}

interface Collecting {
  readonly xid: string
  /** Greater than that of any collection before. */
  readonly number: string
}

/** A mark becomes a marker: whoever reads this source recomputes. */
async function collectMarks(transaction: Queryable, { name }: Collected, { xid }: Collecting): Promise<void> {
  const marks = marksTable(name)
  const [found] = await transaction.query<{ marked: boolean }>(sql`select exists (select from ${marks}) as marked`)
  if (found?.marked !== true) return
  await transaction.query(sql`delete from ${marks}`)
  await transaction.query(sql`insert into ${packTable(name)} (__x) values (${xid}::xid8)`)
}

async function collectRows(transaction: Queryable, source: Collected, { xid, number }: Collecting): Promise<void> {
  const { name, placement } = source
  const buffer = shardBuffer(name, placement)
  const queues = await queuesOf(transaction, name)
  for (const queue of queues) await fillQueue(transaction, source, buffer, queue, number)
  if (queues.length > 0 && !(await hasLogReaders(transaction, name))) {
    await noteMoved(transaction, name, buffer, xid)
    return
  }
  const columns = source.captured.flatMap((_, i) => [newColumn(i), oldColumn(i)])
  const list = join([sql`__new`, sql`__old`, ...columns])
  // the id as a value: a function would be run by the workers, who number transactions otherwise
  await transaction.query(sql`
    with gone as (delete from ${buffer} returning ${list})
    insert into ${logTable(name)} (__x, ${list}) select ${xid}::xid8, gone.* from gone`)
}

/**
 * Whether the source is placed as its capture takes it to be. Where it is not, a writer whose shard has no buffer beside it
 * leaves no change row, and goes on: so this is asked whenever somebody wants to know whether changes wait.
 */
async function isSound(queryable: Queryable, { name, relation, placement }: Collected): Promise<boolean> {
  const beside = isSharded(placement) ? [shardBuffer(name, placement), epochTable(name, placement)] : []
  const tables = beside.map(({ text }) => sql`to_regclass(${text})`)
  const own = sql`${relation}::oid`
  const key =
    placement.kind === 'distributed' ? sql` and ${distributionColumn(own)} = ${placement.column}::text` : sql``
  const [row] = await queryable.query<{ sound: boolean }>(
    sql`select ${areColocated([own, ...tables])}${key} as sound`,
    {
      prepared: true,
    },
  )
  return row?.sound === true
}

async function requireSound(transaction: Queryable, source: Collected): Promise<void> {
  if (!(await isSound(transaction, source))) throw outOfPlace(source)
}

function outOfPlace(source: Collected): FreshetError {
  return new FreshetError('CAPTURE_BROKEN', `Citus has placed ${displayName(source)} otherwise than its change buffer`)
}
