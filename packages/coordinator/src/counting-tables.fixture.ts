import { type Capture, type Database, type FreshetError, raw, type Refresher, sql } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'

/**
 * For the tests on a real database: stream tables that only count. A refresh adds the weights of the changes that its
 * frontier has not seen to a total, and emits one row of its own for those that read it. That is enough to see a change
 * lost or counted twice.
 */
export const ORDERS = '00000000000000aa'

export interface CountingTables {
  readonly own: TestDatabase
  readonly database: Database
  readonly refresher: Refresher
  readonly capture: Capture
  /** Thrown by the refresh of these tables. */
  readonly faults: Map<number, FreshetError>
  addSource(stableName: string, table: string, kind: string, capture: string): Promise<void>
  /** Adds a stream table and fills it; returns its id. */
  addTable(name: string, sources: readonly string[], schedule?: string): Promise<number>
  /** One transaction that changes so many rows of `orders`. */
  write(count?: number): Promise<unknown>
  total(id: number): Promise<{ readonly rows: number; readonly refreshes: number }>
  stateOf(id: number): Promise<Record<string, unknown>>
}

export function stableNameOf(name: string): string {
  return Buffer.from(name.padEnd(8, '_').slice(0, 8)).toString('hex')
}

export async function countingTables(): Promise<CountingTables> {
  const own = await createTestDatabase()
  const { database } = own
  const faults = new Map<number, FreshetError>()
  await database.query(raw('create table total (id int primary key, rows bigint not null, refreshes int not null)'))
  async function addSource(stableName: string, table: string, kind: string, capture: string): Promise<void> {
    await database.query(sql`insert into freshet.source (stable_name, relation, schema_name, table_name, kind, capture)
      values (${stableName}, 0, 'public', ${table}, ${kind}, ${capture})`)
    if (capture === 'none') return
    const buffer = `freshet_changes.changes_${stableName}`
    await database.query(raw(`create table ${buffer} (__x xid8 not null, __n int not null, __w smallint not null)`))
    await database.query(raw(`create index on ${buffer} (__x)`))
    await database.query(
      raw(`create view freshet_changes.sizes_${stableName} as select __x, __n, abs(__w) as __rows from ${buffer}`),
    )
  }

  /** One transaction: lock, read the window, apply, emit, advance. */
  const refresher: Refresher = {
    refresh: async (id, options) => {
      const startedAt = performance.now()
      const done = (action: 'none' | 'busy' | 'differential', changeRows = 0) => ({
        action,
        reason: null,
        rowsInserted: changeRows > 0 ? 1 : 0,
        rowsDeleted: 0,
        changeRows,
        durationMs: performance.now() - startedAt,
      })
      const fault = faults.get(id)
      if (fault) throw fault
      return database.transaction(
        async (transaction) => {
          const locked = await transaction.query(
            sql`select from freshet.stream_table_state where stream_table_id = ${id} for update skip locked`,
          )
          if (locked.length === 0) return done('busy')
          const sources = await transaction.query<{ stable_name: string; snapshot: string | null; own: string }>(sql`
            select d.stable_name, t.stable_name as own, s.frontier -> d.stable_name -> '0' ->> 'snapshot' as snapshot
            from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
              left join freshet.dependency d using (stream_table_id)
            where t.stream_table_id = ${id}`)
          let changes = 0
          const frontier: Record<string, unknown> = {}
          for (const { stable_name: source, snapshot } of sources) {
            const [row] = await transaction.query<{ now: string; rows: string }>({
              text: `select pg_current_snapshot()::text as now, count(*) as rows from freshet_changes.changes_${source}
                where $1::pg_snapshot is null
                  or (__x >= pg_snapshot_xmin($1) and not pg_visible_in_snapshot(__x, $1))`,
              values: [snapshot],
            })
            changes += Number(row?.rows)
            frontier[source] = { 0: { kind: 'snapshot', snapshot: row?.now } }
          }
          const first = sources.every(({ snapshot }) => snapshot === null)
          if (changes === 0 && !first) return done('none')
          await transaction.query(sql`update freshet.stream_table_state
            set frontier = ${JSON.stringify(frontier)}::jsonb, refreshed_at = clock_timestamp(), version = version + 1
            where stream_table_id = ${id}`)
          await transaction.query(
            sql`update total set rows = rows + ${changes}, refreshes = refreshes + 1 where id = ${id}`,
          )
          if (changes > 0) {
            const output = `freshet_changes.changes_${sources[0]?.own}`
            await transaction.query(raw(`insert into ${output} values (pg_current_xact_id(), 0, 1)`))
          }
          await transaction.query(sql`insert into freshet.refresh_history
            (stream_table_id, started_at, action, initiated_by, change_rows)
            values (${id}, clock_timestamp(), 'differential', ${options?.initiatedBy ?? 'manual'}, ${changes})`)
          return done('differential', changes)
        },
        { isolation: 'repeatable read' },
      )
    },
  }

  async function addTable(name: string, sources: readonly string[], schedule = 'live'): Promise<number> {
    const stableName = stableNameOf(name)
    const [row] = await database.query<{ id: number }>(sql`
      with added as (
        insert into freshet.stream_table
          (schema_name, table_name, stable_name, query, definition, mode, effective_mode, schedule, storage, plan)
        values ('public', ${name}, ${stableName}, '', '', 'auto', 'differential', ${schedule}, 'single', '{}')
        returning stream_table_id as id
      ),
      state as (insert into freshet.stream_table_state (stream_table_id, status) select id, 'active' from added),
      held as (insert into total select id, 0, 0 from added)
      select id from added`)
    const id = row?.id ?? 0
    await addSource(stableName, name, 'stream_table', 'refresh')
    for (const source of sources) {
      await database.query(sql`insert into freshet.dependency values (${id}, ${source}, '{}')`)
    }
    await refresher.refresh(id)
    return id
  }

  const write = (count = 1) =>
    database.query(
      raw(`insert into freshet_changes.changes_${ORDERS}
      select pg_current_xact_id(), 0, 1 from generate_series(1, ${count})`),
    )

  async function total(id: number): Promise<{ rows: number; refreshes: number }> {
    const [row] = await database.query<{ rows: string; refreshes: number }>(sql`select * from total where id = ${id}`)
    return { rows: Number(row?.rows), refreshes: row?.refreshes ?? 0 }
  }

  async function stateOf(id: number): Promise<Record<string, unknown>> {
    const [row] = await database.query(sql`
      select s.*, extract(epoch from retry_at - clock_timestamp())::float8 as retry_in
      from freshet.stream_table_state s where stream_table_id = ${id}`)
    return row ?? {}
  }

  const capture: Capture = {
    ensure: () => Promise.resolve(),
    stream: () => Promise.resolve(null),
    leftovers: () => Promise.resolve([]),
    removeLeftovers: () => Promise.resolve([]),
    handOver: () => Promise.resolve(null),
    waiting: () => Promise.resolve([]),
    release: () => Promise.resolve(),
    inspect: () => Promise.resolve([]),
    trim: async (db, stableName, consumed, limit) => {
      const buffer = `freshet_changes.changes_${stableName}`
      const rows = await db.query({
        text: `delete from ${buffer} where ctid = any(array(
          select ctid from ${buffer} where pg_visible_in_snapshot(__x, $1::pg_snapshot) limit $2)) returning 1`,
        values: [`${consumed.xmin}:${consumed.xmax}:${consumed.inProgress.join(',')}`, limit],
      })
      return rows.length
    },
  }
  await addSource(ORDERS, 'orders', 'table', 'trigger')
  return { own, database, refresher, capture, faults, addSource, addTable, write, total, stateOf }
}
