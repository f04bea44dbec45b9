import { displayName, FreshetError, isFreshetError, mendCapture, type Queryable, sql } from '@freshet/core'
import { requireQueues } from './citus/push-down.ts'
import type { RefreshContext } from './context.ts'
import { type Definition, nameOf } from './definition.ts'

/**
 * A dropped source leaves its buffer behind, without changes for ever: to a refresh it looks like a table at rest.
 * Asked when a definition is loaded; the oid is a cache, so a source that has another one under its name is there.
 */
export async function requireSources(queryable: Queryable, definition: Definition): Promise<void> {
  const [gone] = await queryable.query<{ schema: string; table: string }>(sql`
    select s.schema_name as schema, s.table_name as table
    from freshet.dependency d join freshet.source s using (stable_name)
    where d.stream_table_id = ${definition.id}
      and not exists (select from pg_catalog.pg_class c where c.oid = s.relation)
      and to_regclass(format('%I.%I', s.schema_name, s.table_name)) is null
    order by 1, 2 limit 1`)
  if (gone === undefined) return
  throw new FreshetError('SOURCE_DROPPED', `${displayName(gone)}, which ${nameOf(definition)} reads, was dropped`)
}

/** The same, and every capture is mended that lost a trigger or a part; its stream tables are then recomputed. */
export async function requireCapture(context: RefreshContext, definition: Definition): Promise<void> {
  await requireSources(context.database, definition)
  const captured = await context.database.query<{ name: string }>(sql`
    select s.stable_name as name from freshet.dependency d join freshet.source s using (stable_name)
    where d.stream_table_id = ${definition.id} and s.capture in ('trigger', 'wal') order by 1`)
  for (const { name } of captured) await mendCapture(context.database, context.capture, name, 'as they are')
  if (definition.placed.length > 0 || definition.pushed.length > 0)
    await requireQueues(
      context.database,
      captured.map(({ name }) => name),
    )
}

/** A source that Citus has placed otherwise is captured where it is now; what reads it is then computed anew. */
export async function mended(
  context: RefreshContext,
  members: readonly Definition[],
  error: unknown,
): Promise<'outdated'> {
  if (!isFreshetError(error, 'CAPTURE_BROKEN')) throw error
  for (const member of members) await requireCapture(context, member)
  return 'outdated'
}
