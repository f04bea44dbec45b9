import {
  DEFAULT_PATIENCE,
  FreshetError,
  identifier,
  isRead,
  type Queryable,
  settleUnits,
  sql,
  type UnreadSource,
  unreadSources,
  withPatience,
} from '@freshet/core'
import { leaveQueues, removeUnreadQueues } from './citus/queues.ts'
import type { RefreshContext } from './context.ts'
import { currentName, findDefinition, loadDefinition, nameOf, type Definition } from './definition.ts'
import { dropOutput, stopEmitting } from './emission.ts'
import { lockState, whenFree } from './full.ts'
import { dropHooks } from './immediate/hooks.ts'

/**
 * Dropping a stream table: the table, its stages, its change buffer and its catalog rows go in one transaction; then
 * the capture of every source that nobody reads any more.
 */
export async function dropStreamTable(
  context: RefreshContext,
  name: string,
  options: { readonly cascade?: boolean } = {},
): Promise<readonly string[]> {
  // also where this one is gone: whoever dropped it may not have come to the end
  await releaseUnreadSources(context)
  const dropped = await dropWithDependants(context, name, options.cascade === true)
  await settleUnits(context.database)
  return dropped
}

async function dropWithDependants(context: RefreshContext, name: string, cascade: boolean): Promise<readonly string[]> {
  const definition = await findDefinition(context.database, name)
  const dependants = await dependantsOf(context.database, definition)
  if (dependants.length > 0 && !cascade) {
    throw new FreshetError('HAS_DEPENDENTS', `other stream tables read ${nameOf(definition)}`, {
      detail: dependants.map(nameOf).join(', '),
      hint: 'Drop them first, or drop with --cascade.',
    })
  }
  const dropped: string[] = []
  for (const dependant of dependants) dropped.push(...(await dropWithDependants(context, nameOf(dependant), cascade)))
  await discard(context, definition, cascade)
  return [...dropped, nameOf(definition)]
}

/** Removes everything that belongs to a stream table, also of one whose creation failed half-way. */
export async function discard(context: RefreshContext, definition: Definition, cascade = false): Promise<void> {
  await withPatience(context.database, DEFAULT_PATIENCE, (transaction) => dropHooks(transaction, definition))
  await whenFree(context.database, definition.id, async (transaction) => {
    await lockState(transaction, definition.id, true)
    await dropTables(transaction, definition, cascade)
    await leaveQueues(transaction, definition)
    await dropOutput(transaction, definition.stableName)
    await transaction.query(
      sql`delete from freshet.source where stable_name = ${definition.stableName} and capture = 'refresh'`,
    )
    await transaction.query(sql`delete from freshet.stream_table where stream_table_id = ${definition.id}`)
  })
  if (definition.pushed.length > 0) await removeUnreadQueues(context.database)
  await releaseUnread(
    context,
    definition.plan.sources.map((source) => source.stableName),
  )
}

async function dropTables(transaction: Queryable, definition: Definition, cascade: boolean): Promise<void> {
  const current = await currentName(transaction, definition)
  if (current !== undefined) {
    // Who reads it was asked already.
    await transaction.query(sql`select set_config('freshet.source_ddl', 'allow', true)`)
    const table = identifier(current.schema, current.table)
    await transaction.query(cascade ? sql`drop table ${table} cascade` : sql`drop table ${table}`)
  }
  for (const stage of definition.plan.tables.slice(0, -1))
    await transaction.query(sql`drop table if exists ${identifier(stage.schema, stage.table)}`)
}

/** Ends the capture of the sources that no stream table reads any more; an immediate one reads no buffer. */
export async function releaseUnread(context: RefreshContext, stableNames: readonly string[]): Promise<void> {
  for (const name of stableNames) {
    const [source] = await context.database.query<{ capture: string; upstream: number | null }>(sql`
      select s.capture, (select stream_table_id from freshet.stream_table t where t.stable_name = s.stable_name) as upstream
      from freshet.source s where s.stable_name = ${name}`)
    if (source === undefined || (await isRead(context.database, name))) continue
    if (source.capture === 'refresh')
      await whenFree(context.database, source.upstream, (transaction) => stopEmitting(transaction, name))
    else await context.capture.release(context.database, name)
  }
}

/** Ends the captures that nobody reads, as a process leaves them that ended too early. Returns their sources. */
export async function releaseUnreadSources(context: RefreshContext): Promise<readonly UnreadSource[]> {
  const unread = await unreadSources(context.database)
  await releaseUnread(
    context,
    unread.map(({ stableName }) => stableName),
  )
  await context.capture.removeLeftovers(context.database)
  return unread
}

export async function dependantsOf(queryable: Queryable, definition: Definition): Promise<readonly Definition[]> {
  const rows = await queryable.query<{ id: number }>(sql`
    select stream_table_id as id from freshet.dependency where stable_name = ${definition.stableName} order by 1`)
  return Promise.all(rows.map((row) => loadDefinition(queryable, row.id)))
}
