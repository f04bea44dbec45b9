import { FreshetError, parseName, type SettledGates, settleGates, sql, writeSetting } from '@freshet/core'
import type { RefreshContext } from './context.ts'

/**
 * Pausing capture: of one source, of all, or of all together with every schedule.
 *
 * What is asked for is written down first, and is then made to hold. While a source is paused its writers pay nothing,
 * and what reads it can not follow: it is marked, and refreshed in full when capture goes on. Who pauses a stream table
 * instead loses nothing.
 */
export type Gate =
  | { readonly kind: 'source'; readonly name: string }
  /** The setting cdc_paused. */
  | { readonly kind: 'capture' }
  /** The setting enabled. */
  | { readonly kind: 'everything' }

export async function pauseGate(context: RefreshContext, gate: Gate): Promise<SettledGates> {
  return set(context, gate, true)
}

export async function resumeGate(context: RefreshContext, gate: Gate): Promise<SettledGates> {
  return set(context, gate, false)
}

async function set(context: RefreshContext, gate: Gate, paused: boolean): Promise<SettledGates> {
  const { database, capture } = context
  switch (gate.kind) {
    case 'source':
      await setSource(context, gate.name, paused)
      break
    case 'capture':
      await writeSetting(database, 'cdc_paused', paused ? true : null)
      break
    case 'everything':
      await writeSetting(database, 'enabled', paused ? false : null)
  }
  const settled = await settleGates(database, capture)
  const [first] = settled.failures
  if (first === undefined) return settled
  const { code, message, detail, hint, sqlState } = first.error
  const others = settled.failures.slice(1).map(({ source }) => source)
  throw new FreshetError(code, `${first.source}: ${message}`, {
    detail: others.length === 0 ? detail : `${detail ?? ''} The same of ${others.join(', ')}.`.trim(),
    hint: code === 'LOCK_TIMEOUT' ? 'It stays asked for: a scheduler, or the same command, goes on with it.' : hint,
    sqlState,
    cause: first.error,
  })
}

/** By its name now or when it was captured; without a schema, along the search path. */
async function setSource({ database }: RefreshContext, name: string, paused: boolean): Promise<void> {
  const parsed = parseName(name)
  const [found] = await database.query<{ name: string; kind: string }>(sql`
    select known.name, known.kind
    from (
      select s.stable_name as name, s.kind, s.schema_name as schema, s.table_name as table from freshet.source s
      union
      select s.stable_name, s.kind, n.nspname, c.relname from freshet.source s
        join pg_catalog.pg_class c on c.oid = s.relation join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      union
      -- one that only immediate stream tables read is not captured
      select p ->> 'stableName', 'table', p ->> 'schema', p ->> 'table'
      from freshet.stream_table t cross join jsonb_array_elements(t.plan -> 'sources') p where t.mode = 'immediate'
    ) known
    where known.table = ${parsed.table} and (${parsed.schema}::text is null or known.schema = ${parsed.schema}::text)
    order by array_position(current_schemas(false), known.schema::name) nulls last, known.schema, known.kind = 'table'
    limit 1`)
  if (found === undefined) throw new FreshetError('UNKNOWN_SOURCE', `no stream table reads a table ${name}`)
  if (found.kind === 'stream_table')
    throw new FreshetError(
      'USAGE',
      `${name} is a stream table: it is not captured, its refreshes say what they change`,
      {
        hint: `freshet ${paused ? 'pause' : 'resume'} ${name}`,
      },
    )
  await database.query(sql`
    insert into freshet.source as s (stable_name, relation, schema_name, table_name, kind, capture, captured_columns, paused)
    select p ->> 'stableName', (p ->> 'oid')::oid, p ->> 'schema', p ->> 'table', 'table', 'none', '[]', ${paused}::boolean
    from freshet.stream_table t cross join jsonb_array_elements(t.plan -> 'sources') p
    where p ->> 'stableName' = ${found.name}
    limit 1
    on conflict (stable_name) do update set paused = excluded.paused`)
}
