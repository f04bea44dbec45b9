import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import type { SelectType } from 'kysely'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from '../database.ts'
import { raw, sql } from '../sql.ts'
import { type Catalog, catalog, rows, statement } from './catalog.ts'

let created: TestDatabase
let database: Database
beforeAll(async () => {
  created = await createTestDatabase()
  database = created.database
})
afterAll(() => created.drop())

test('the catalog as the migrations make it', async () => {
  const lines = await database.query<{ line: string }>(raw(DUMP))
  await expect(lines.map(({ line }) => `${line}\n`).join('')).toMatchFileSnapshot('catalog.dump.txt')
})

/** What a value of the TypeScript type may be on the server. */
type ServerType<T> = unknown extends T ? 'jsonb' : null extends T ? `${Known<NonNullable<T>>} or null` : Known<T>
type Known<T> = [T] extends [string]
  ? 'text' | 'bigint' | 'xid8' | 'pg_lsn'
  : [T] extends [number]
    ? 'integer' | 'oid'
    : [T] extends [boolean]
      ? 'boolean'
      : [T] extends [Date]
        ? 'timestamp with time zone' | 'date'
        : [T] extends [Uint8Array]
          ? 'bytea'
          : [T] extends [string[]]
            ? 'text[]'
            : [T] extends [number[]]
              ? 'oid[]'
              : 'jsonb'

/** The compiler wants every column of every type in `Catalog` here, with a type that fits, and no other. */
const COLUMNS: { [T in keyof Catalog]: { [C in keyof Catalog[T]]: ServerType<SelectType<Catalog[T][C]>> } } = {
  dependency: { columns: 'text[]', stable_name: 'text', stream_table_id: 'integer' },
  node_health: {
    group_id: 'integer',
    failures: 'integer',
    failures_total: 'bigint',
    failing_since: 'timestamp with time zone or null',
    last_failed_at: 'timestamp with time zone',
    last_error: 'jsonb',
  },
  collection: { stable_name: 'text', collected_at: 'timestamp with time zone' },
  shard_epoch: { stable_name: 'text', epoch: 'text', keys: 'text[]' },
  shard_queue: { columns: 'text[]', queue_id: 'integer', stable_name: 'text', types: 'text[]' },
  shard_queue_reader: { position: 'bigint', queue_id: 'integer', stable_name: 'text', stream_table_id: 'integer' },
  installation: {
    database_name: 'text',
    installed_at: 'timestamp with time zone',
    only_row: 'boolean',
    system_identifier: 'text or null',
  },
  lease: {
    name: 'text',
    holder: 'text or null',
    token: 'bigint',
    acquired_at: 'timestamp with time zone',
    expires_at: 'timestamp with time zone',
  },
  outbox: {
    outbox_id: 'integer',
    schema_name: 'text',
    table_name: 'text',
    stable_name: 'text',
    payload: 'text',
    keep_ms: 'bigint',
    created_at: 'timestamp with time zone',
  },
  consumer: {
    name: 'text',
    outbox_id: 'integer or null',
    position: 'text or null',
    frontier: 'text or null',
    generation: 'integer',
    moved_at: 'timestamp with time zone',
  },
  dead_letter: {
    dead_letter_id: 'bigint',
    consumer: 'text',
    event_id: 'text',
    topic: 'text',
    key: 'text or null',
    headers: 'jsonb',
    value: 'bytea or null',
    code: 'text',
    error: 'text',
    died_at: 'timestamp with time zone',
    requested_at: 'timestamp with time zone or null',
  },
  reference: {
    stream_table_id: 'integer',
    class: 'oid',
    object: 'oid',
    part: 'integer',
    schema_name: 'text',
    name: 'text',
    shape: 'text',
    mark: 'text or null',
    columns: 'jsonb or null',
    keys: 'text[] or null',
    indexes: 'oid[] or null',
  },
  migration: { applied_at: 'timestamp with time zone', breaking: 'boolean', name: 'text', number: 'integer' },
  freshness: {
    stream_table_id: 'integer',
    hour: 'timestamp with time zone',
    bucket: 'integer',
    refreshes: 'bigint',
    promised: 'bigint',
    late: 'bigint',
  },
  freshness_by_day: {
    stream_table_id: 'integer',
    day: 'date',
    bucket: 'integer',
    refreshes: 'bigint',
    promised: 'bigint',
    late: 'bigint',
  },
  refresh_history: {
    refresh_id: 'bigint',
    stream_table_id: 'integer',
    started_at: 'timestamp with time zone',
    finished_at: 'timestamp with time zone',
    action: 'text',
    reason: 'text or null',
    initiated_by: 'text',
    change_rows: 'bigint',
    rows_inserted: 'bigint',
    rows_deleted: 'bigint',
    error: 'jsonb or null',
    decision: 'jsonb or null',
    source_rows: 'bigint or null',
  },
  wal_stream: {
    applied_lsn: 'pg_lsn',
    timeline: 'bigint or null',
    generation: 'integer',
    only_row: 'boolean',
    since: 'xid8',
    slot_name: 'text',
  },
  subscription: {
    subscription_id: 'bigint',
    stream_table_id: 'integer',
    channel: 'text or null',
    acknowledged: 'text or null',
    acknowledged_at: 'timestamp with time zone',
    refresh_id: 'bigint or null',
    inserted_count: 'bigint',
    deleted_count: 'bigint',
    announced_at: 'timestamp with time zone or null',
  },
  setting: { changed_at: 'timestamp with time zone', name: 'text', value: 'jsonb' },
  source: {
    stable_name: 'text',
    relation: 'oid',
    schema_name: 'text',
    table_name: 'text',
    kind: 'text',
    capture: 'text',
    captured_columns: 'jsonb',
    members: 'oid[]',
    installed_at: 'timestamp with time zone',
    paused: 'boolean',
    gate: 'text',
    resumed: 'xid8 or null',
    replica_identities: 'jsonb',
    began: 'xid8',
    trimmed: 'text or null',
    placement: 'jsonb',
    placed: 'text or null',
    shard_rows: 'bigint or null',
    shard_rows_at: 'timestamp with time zone or null',
  },
  stream_table: {
    stream_table_id: 'integer',
    schema_name: 'text',
    table_name: 'text',
    relation: 'oid or null',
    stable_name: 'text',
    query: 'text',
    definition: 'text',
    mode: 'text',
    effective_mode: 'text',
    mode_reason: 'text or null',
    mode_detail: 'text or null',
    schedule: 'text',
    storage: 'text',
    key_columns: 'text[]',
    plan: 'jsonb',
    session_settings: 'jsonb',
    emits_changes: 'boolean',
    created_at: 'timestamp with time zone',
    altered_at: 'timestamp with time zone',
    fuse: 'bigint or null',
    sla_ms: 'bigint or null',
    tier: 'text',
    atomic: 'text or null',
    unit: 'integer or null',
  },
  shadow_build: {
    shadow_id: 'integer',
    stream_table_id: 'integer',
    phase: 'text',
    started_at: 'timestamp with time zone',
    phase_at: 'timestamp with time zone',
    rounds: 'integer',
    change_rows: 'bigint or null',
    canceled_at: 'timestamp with time zone or null',
  },
  stream_table_state: {
    stream_table_id: 'integer',
    version: 'bigint',
    status: 'text',
    status_reason: 'text or null',
    frontier: 'jsonb',
    reinitialize: 'text or null',
    state_behind: 'boolean',
    refreshed_at: 'timestamp with time zone or null',
    consecutive_errors: 'integer',
    last_error: 'jsonb or null',
    decision: 'jsonb or null',
    retry_at: 'timestamp with time zone or null',
    turn: 'xid8 or null',
    fuse_lifted: 'bigint or null',
  },
}

test('the types have the columns that the tables have', async () => {
  const found = await database.query<{ table: string; columns: Record<string, string> }>(
    raw(`
    select relname as table, jsonb_object_agg(attname, format_type(atttypid, null) || case when attnotnull then '' else ' or null' end) as columns
    from pg_class join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where relnamespace = 'freshet'::regnamespace and relkind = 'r' group by relname`),
  )
  expect(Object.fromEntries(found.map(({ table, columns }) => [table, columns]))).toEqual(COLUMNS)
})

test('a built statement is a Sql value', () => {
  expect(statement(catalog.selectFrom('setting').select('value').where('name', '=', 'poll_min_ms'))).toEqual({
    text: 'select "value" from "freshet"."setting" where "name" = $1',
    values: ['poll_min_ms'],
  })
})

test('rows have the types that the catalog declares', async () => {
  const [table] = await rows(
    database,
    catalog
      .insertInto('stream_table')
      .values({
        schema_name: 'public',
        table_name: 'totals',
        stable_name: 'aaaaaaaaaaaaaaaa',
        query: 'select',
        definition: 'select',
        mode: 'auto',
        effective_mode: 'differential',
        storage: 'keyed',
        key_columns: ['a', 'B"c'],
        plan: JSON.stringify({ stages: [] }),
      })
      .returningAll(),
  )
  expect(table).toMatchObject({
    stream_table_id: expect.any(Number),
    relation: null,
    key_columns: ['a', 'B"c'],
    plan: { stages: [] },
    session_settings: {},
    emits_changes: false,
    schedule: 'live',
    created_at: expect.any(Date),
  })
  const [state] = await rows(
    database,
    catalog
      .insertInto('stream_table_state')
      .values({ stream_table_id: table?.stream_table_id ?? 0 })
      .returningAll(),
  )
  expect(state).toMatchObject({
    version: '1',
    frontier: {},
    status: 'initializing',
    consecutive_errors: 0,
    refreshed_at: null,
  })
  const [entry] = await rows(
    database,
    catalog
      .insertInto('refresh_history')
      .values({
        stream_table_id: table?.stream_table_id ?? 0,
        started_at: new Date(0),
        action: 'initial',
        initiated_by: 'test',
      })
      .returningAll(),
  )
  expect(entry).toMatchObject({ refresh_id: '1', change_rows: '0', started_at: new Date(0), error: null })
  const [source] = await rows(
    database,
    catalog
      .insertInto('source')
      .values({
        stable_name: 'bbbbbbbbbbbbbbbb',
        relation: 4_000_000_000,
        schema_name: 'public',
        table_name: 'orders',
        kind: 'table',
        capture: 'trigger',
        captured_columns: JSON.stringify([{ name: 'id', type: 'integer' }]),
      })
      .returningAll(),
  )
  expect(source).toMatchObject({ relation: 4_000_000_000, captured_columns: [{ name: 'id', type: 'integer' }] })
})

test('the guard refuses writes outside a refresh', async () => {
  await database.query(
    raw(`create table kept (a int);
    create trigger guard after insert or update or delete or truncate on kept execute function freshet.guard_stream_table()`),
  )
  for (const write of ['insert into kept values (1)', 'update kept set a = 1', 'delete from kept', 'truncate kept']) {
    await expect(database.query(raw(write)), write).rejects.toMatchObject({
      code: 'STREAM_TABLE_WRITE',
      sqlState: 'FR001',
    })
  }
  await database.batch([sql`select set_config('freshet.apply', 'on', true)`, raw('insert into kept values (1)')])
  expect(await database.query(raw('table kept'))).toEqual([{ a: 1 }])
  await expect(database.query(raw('delete from kept'))).rejects.toMatchObject({ code: 'STREAM_TABLE_WRITE' })
})

/** Columns, constraints, indexes and functions of Freshet's schemas, in a form that reads well in a diff. */
const DUMP = `
  select line from (
    select 1 as part, c.relname || '.' || lpad(a.attnum::text, 3, '0') as place,
      c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod)
        || case when a.attnotnull then ' not null' else '' end
        || case when a.attidentity <> '' then ' identity' else '' end
        || coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '') as line
    from pg_class c
    join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
    where c.relnamespace = 'freshet'::regnamespace and c.relkind in ('r', 'v')
    union all
    select 2, conrelid::regclass || conname, 'constraint ' || conname || ' on ' || conrelid::regclass || ' ' || pg_get_constraintdef(oid)
    from pg_constraint where connamespace = 'freshet'::regnamespace and contype <> 'n'
    union all
    select 3, indexname, indexdef from pg_indexes where schemaname = 'freshet'
    union all
    select 4, oid::regprocedure::text, 'function ' || oid::regprocedure || ' ' || md5(prosrc)
    from pg_proc where pronamespace = 'freshet'::regnamespace
  ) as dump order by part, place collate "C"`
