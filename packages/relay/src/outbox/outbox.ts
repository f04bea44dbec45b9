import {
  type Database,
  displayName,
  type Fragment,
  FreshetError,
  identifier,
  literal,
  parseName,
  type Queryable,
  sql,
  stableName,
} from '@freshet/core'

/**
 * An outbox: a table into which an application writes, in the transaction of its own changes, what others are to hear of
 * them.
 *
 * Each row carries the transaction that wrote it (`__x`), because that is what decides when it is read (law L1): a window
 * holds the rows of the transactions that became visible since the last one. `id` only orders the rows of a window. Whoever
 * asks for `id > last` loses every transaction that commits after one with greater ids.
 */
export interface Outbox {
  readonly id: number
  /** As it is shown, and accepted again. */
  readonly name: string
  readonly schema: string
  readonly table: string
  readonly stableName: string
  readonly payload: PayloadType
}

export type PayloadType = 'jsonb' | 'bytea'

export interface OutboxSpec {
  readonly name: string
  /** Default jsonb. */
  readonly payload?: PayloadType
  /** How long rows stay after every consumer has passed them, in milliseconds. Default 0. */
  readonly keepMs?: number
}

export async function createOutbox(database: Database, spec: OutboxSpec): Promise<Outbox> {
  const payload = spec.payload ?? 'jsonb'
  return database.transaction(async (transaction) => {
    const { schema, table } = await placeOf(transaction, spec.name)
    const name = displayName({ schema, table })
    const [taken] = await transaction.query(
      sql`select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ${schema} and c.relname = ${table}`,
    )
    if (taken !== undefined) throw new FreshetError('DUPLICATE_NAME', `${name} exists already`)
    await transaction.query(createTable(identifier(schema, table), payload))
    await transaction.query(sql`create index on ${identifier(schema, table)} (__x, id)`)
    await transaction.query(
      sql`comment on table ${identifier(schema, table)} is ${literal('An outbox of Freshet: what is written here is relayed once its transaction has committed.')}`,
    )
    await transaction.query(sql`
      insert into freshet.outbox (schema_name, table_name, stable_name, payload, keep_ms)
      values (${schema}, ${table}, ${stableName(schema, table)}, ${payload},
        ${spec.keepMs ?? 0})`)
    return findOutbox(transaction, name)
  })
}

/** Rows are numbered one by one, not in blocks for each session: of two writers of one key, the later has the greater id. */
function createTable(table: Fragment, payload: PayloadType): Fragment {
  return sql`create table ${table} (
    id bigint generated always as identity (cache 1) primary key,
    topic text not null,
    key text,
    headers jsonb not null default '{}' check (jsonb_typeof(headers) = 'object'),
    payload ${identifier(payload)},
    created_at timestamptz not null default clock_timestamp(),
    __x xid8 not null default pg_current_xact_id()
  )`
}

/** Takes the table with it, and what nobody has read yet. */
export async function dropOutbox(database: Database, name: string): Promise<void> {
  await database.transaction(async (transaction) => {
    const outbox = await findOutbox(transaction, name)
    await transaction.query(sql`drop table if exists ${identifier(outbox.schema, outbox.table)}`)
    await transaction.query(sql`delete from freshet.outbox where outbox_id = ${outbox.id}`)
  })
}

export async function findOutbox(queryable: Queryable, name: string): Promise<Outbox> {
  const { schema, table } = await placeOf(queryable, name)
  const [found] = await queryable.query<Omit<Outbox, 'name'>>(sql`
    select outbox_id as id, schema_name as schema, table_name as table, stable_name as "stableName", payload
    from freshet.outbox where schema_name = ${schema} and table_name = ${table}`)
  if (found === undefined)
    throw new FreshetError('UNKNOWN_OUTBOX', `there is no outbox ${displayName({ schema, table })}`)
  return { ...found, name: displayName(found) }
}

/** Without a schema it is the first of the search path. */
async function placeOf(
  queryable: Queryable,
  name: string,
): Promise<{ readonly schema: string; readonly table: string }> {
  const { schema, table } = parseName(name)
  if (schema !== null) return { schema, table }
  const [current] = await queryable.query<{ schema: string | null }>(sql`select current_schema() as schema`)
  if (typeof current?.schema === 'string') return { schema: current.schema, table }
  throw new FreshetError('INVALID_NAME', `no schema is known for ${name}`, { hint: 'Write schema.table.' })
}
