import { bufferSizes, bufferTable, claimUnread, identifier, join, LOCAL, type Queryable, sql } from '@freshet/core'
import { type Definition, loadDefinition } from './definition.ts'

/**
 * Output deltas. A stream table that others read is a source like any other: its refreshes write what they changed
 * into its own change buffer, in the refresh transaction. Nothing is written while nobody reads. Where a part was missing
 * so far, there may be a gap: the output delta begins anew.
 */
export async function startEmitting(
  transaction: Queryable,
  upstream: Definition,
  storage: Pick<Definition, 'schema' | 'table'> = upstream,
): Promise<void> {
  const table = identifier(storage.schema, storage.table)
  // The lock waits for a refresh that does not emit yet; the new version turns away any that was about to start.
  await transaction.query(sql`select from freshet.stream_table_state where stream_table_id = ${upstream.id} for update`)
  // So do the writers of an immediate one, who may hold no lock on the row: they look whether to emit behind this lock.
  if (upstream.mode === 'immediate') await transaction.query(sql`lock table ${table} in share row exclusive mode`)
  const buffer = bufferTable(upstream.stableName)
  const [found] = await transaction.query<{ whole: boolean }>(sql`
    select t.emits_changes and to_regclass(${buffer.text}) is not null
      and exists (select from freshet.source s where s.stable_name = t.stable_name and s.capture = 'refresh') as whole
    from freshet.stream_table t where t.stream_table_id = ${upstream.id}`)
  const visible = upstream.plan.tables.at(-1)?.visibleColumns ?? []
  const columns = join(visible.map((column) => identifier(column)))
  await transaction.query(sql`
    create table if not exists ${buffer} as
    select pg_current_xact_id() as __x, 0 as __n, 0 as __w, ${columns} from ${table} with no data`)
  await transaction.query(sql`
    alter table ${buffer} alter column __x set default pg_current_xact_id(), alter column __x set not null,
      alter column __n set default 0, alter column __n set not null, alter column __w set not null`)
  await transaction.query(
    sql`create index if not exists ${identifier(`changes_${upstream.stableName}_x`)} on ${buffer} (__x)`,
  )
  await transaction.query(sql`
    create or replace view ${bufferSizes(upstream.stableName)} as
    select __x, __n, case when __w = 0 then 0 else 1 end as __rows from ${buffer}`)
  await transaction.query(sql`
    insert into freshet.source (stable_name, relation, schema_name, table_name, kind, capture, captured_columns, placement)
    select ${upstream.stableName}, c.oid, ${upstream.schema}, ${upstream.table}, 'stream_table', 'refresh', ${JSON.stringify(visible.map((name) => ({ name })))}::jsonb,
      ${JSON.stringify(upstream.plan.output ?? LOCAL)}::jsonb
    from pg_catalog.pg_class c where c.oid = ${table.text}::regclass
    on conflict (stable_name) do nothing`)
  if (found?.whole !== true) await beginAnew(transaction, upstream.stableName)
  await transaction.query(
    sql`update freshet.stream_table set emits_changes = true where stream_table_id = ${upstream.id}`,
  )
  await bumpVersion(transaction, upstream.id)
}

/** What reads the output delta and does not see this transaction has missed something. */
async function beginAnew(transaction: Queryable, stableName: string): Promise<void> {
  await transaction.query(
    sql`update freshet.source set began = pg_current_xact_id(), trimmed = null where stable_name = ${stableName}`,
  )
}

/**
 * For a stream table whose storage is made anew, with other columns perhaps: what it held before and what it holds now
 * differ by more than its buffer tells. Stream tables that read it notice that it is another one; feeds begin anew.
 * `storage`: how the new one is called as yet, where it does not have the stream table's name.
 */
export async function restartEmitting(
  transaction: Queryable,
  id: number,
  storage?: Pick<Definition, 'schema' | 'table'>,
): Promise<void> {
  // as it is now: somebody may have begun to read it since it was loaded
  const rebuilt = await loadDefinition(transaction, id)
  if (!rebuilt.emits) return
  await dropOutput(transaction, rebuilt.stableName)
  await transaction.query(
    sql`delete from freshet.source where stable_name = ${rebuilt.stableName} and capture = 'refresh'`,
  )
  await startEmitting(transaction, rebuilt, storage)
}

export async function stopEmitting(transaction: Queryable, stableName: string): Promise<void> {
  const [upstream] = await transaction.query<{ id: number }>(sql`
    select s.stream_table_id as id from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where t.stable_name = ${stableName} for update of s`)
  if (!(await claimUnread(transaction, stableName))) return
  if (upstream !== undefined) {
    await transaction.query(
      sql`update freshet.stream_table set emits_changes = false where stream_table_id = ${upstream.id}`,
    )
    await bumpVersion(transaction, upstream.id)
  }
  await transaction.query(sql`delete from freshet.source where stable_name = ${stableName} and capture = 'refresh'`)
  await dropOutput(transaction, stableName)
}

/** The buffer of a stream table's output deltas, if it has one. */
export async function dropOutput(transaction: Queryable, stableName: string): Promise<void> {
  await transaction.query(sql`drop view if exists ${bufferSizes(stableName)}`)
  await transaction.query(sql`drop table if exists ${bufferTable(stableName)}`)
}

/** Every change of a definition makes a new version, so that no process refreshes by what it remembers. */
export async function bumpVersion(transaction: Queryable, id: number): Promise<void> {
  await transaction.query(
    sql`update freshet.stream_table_state set version = freshet.next_version(version) where stream_table_id = ${id}`,
  )
}
