import { type Fragment, identifier, join, type Queryable, raw, sql } from '@freshet/core'
import type { CompiledSource, ImmediateStatements } from '@freshet/dvm'
import type { Definition, StoredPlan } from '../definition.ts'
import { createFunctions, functionNames, type NotedSource } from './trigger-functions.ts'
import { createTriggers, membersOf } from './triggers.ts'

/**
 * The hooks of an immediate stream table: triggers on its sources, the functions that they call, and a pending table
 * for each source, where a transaction notes what it has changed and not yet applied.
 *
 * Nobody but the transaction that wrote a note reads it, so a pending table could do without the WAL. It does not: a
 * server that crashes right after the creation of an unlogged table was rolled back does not start again (decision 13).
 */
export async function createHooks(
  transaction: Queryable,
  definition: Definition,
  plan: StoredPlan,
  statements: ImmediateStatements,
  smallDeltaRows: number,
): Promise<void> {
  const sources: NotedSource[] = []
  for (const [i, source] of plan.sources.entries()) {
    const pending = statements.notes[i]
    if (pending === undefined) throw new TypeError('a source has no pending table')
    sources.push({
      pending,
      columns: await columnsOf(transaction, source),
      members: await membersOf(transaction, source.oid),
    })
  }
  for (const source of sources) for (const statement of createPending(source)) await transaction.query(statement)
  for (const statement of createFunctions({ definition, plan, statements, sources, smallDeltaRows }))
    await transaction.query(statement)
  const names = functionNames(definition, sources.length)
  for (const [i, source] of sources.entries())
    for (const statement of createTriggers(definition.id, source, {
      enter: names.enter,
      note: names.note[i] ?? raw(''),
    }))
      await transaction.query(statement)
}

async function columnsOf(transaction: Queryable, source: CompiledSource): Promise<NotedSource['columns']> {
  return transaction.query<NotedSource['columns'][number]>(sql`
    select a.attname as name, pg_catalog.format_type(a.atttypid, -1) as type,
      case when a.attgenerated = 'v' then (
        select pg_catalog.pg_get_expr(e.adbin, e.adrelid) from pg_catalog.pg_attrdef e
        where e.adrelid = a.attrelid and e.adnum = a.attnum
      ) end as expression
    from pg_catalog.pg_attribute a
    where a.attrelid = ${source.oid}::oid and not a.attisdropped and a.attname = any(${[...source.columns]}::text[])
    order by a.attnum`)
}

/** Values as they come: types without length or precision, so that a note never fails on what the source took. */
function createPending({ pending, columns }: NotedSource): readonly Fragment[] {
  const table = identifier(pending.schema, pending.table)
  const noted = columns.map(({ name, type }) => sql`, ${identifier(name)} ${raw(type)}`)
  return [
    sql`create table ${table} (
      __x xid8 not null default pg_catalog.pg_current_xact_id(),
      __round int not null,
      __w int not null
      ${join(noted, '')}
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)`,
    sql`create index on ${table} (__x, __round)`,
  ]
}

/** Removes them all, whatever they are; waits for whoever uses a source. */
export async function dropHooks(transaction: Queryable, definition: Pick<Definition, 'stableName'>): Promise<void> {
  const { stableName } = definition
  const functions = await transaction.query<{ name: string; args: string }>(sql`
    select p.proname as name, pg_catalog.pg_get_function_identity_arguments(p.oid) as args
    from pg_catalog.pg_proc p
    where p.pronamespace = 'freshet_changes'::regnamespace
      and (p.proname in (${`enter_${stableName}`}, ${`apply_${stableName}`}) or starts_with(p.proname, ${`note_${stableName}_`}))
    order by 1`)
  for (const { name, args } of functions)
    await transaction.query(sql`drop function if exists ${identifier('freshet_changes', name)}(${raw(args)}) cascade`)
  const pending = await transaction.query<{ name: string }>(sql`
    select c.relname as name from pg_catalog.pg_class c
    where c.relnamespace = 'freshet_changes'::regnamespace and c.relkind = 'r'
      and starts_with(c.relname, ${`pending_${stableName}_`})`)
  for (const { name } of pending) await transaction.query(sql`drop table ${identifier('freshet_changes', name)}`)
}
