import { displayName, type Queryable, sql, type Tier } from '@freshet/core'
import type { Decision } from './choose.ts'
import { type Advisory, advisoryOf, HAS_SHARDS } from './citus/advisory.ts'
import { lookAtShards } from './citus/look-at-shards.ts'
import type { Definition, OutputPlacement } from './definition.ts'
import { pendingCounts } from './pending-counts.ts'
import { hintOf } from './refresh-reasons.ts'

/** A stream table as the catalog describes it. */
export interface Description {
  readonly id: number
  readonly schema: string
  readonly table: string
  /** `schema.table`, quoted where needed. */
  readonly name: string
  readonly query: string
  readonly mode: Definition['mode']
  readonly effectiveMode: 'differential' | 'full' | 'immediate'
  /** Why the query is not maintained differentially: a reason code, a sentence, and what to do; null when it is. */
  readonly modeReason: { readonly code: string; readonly detail: string; readonly hint: string | null } | null
  readonly schedule: string
  /** How many change rows may wait for a refresh by the scheduler; null: any number. */
  readonly fuse: number | null
  /** A change is to be visible within so many milliseconds; null: no objective. */
  readonly slaMs: number | null
  readonly tier: Tier
  /** The group it was put into, or `diamond`; null: none. */
  readonly atomic: string | null
  /** The others that it is refreshed with, `schema.table`. */
  readonly together: readonly string[]
  readonly storage: 'keyed' | 'bag' | 'single'
  readonly keyColumns: readonly string[]
  /** Where its own rows are. */
  readonly placement: { readonly kind: 'local' } | OutputPlacement
  /** Its refreshes run on the workers of a Citus cluster. */
  readonly pushedDown: boolean
  /** What could be better about where it is; null: nothing. */
  readonly advisory: Advisory | null
  readonly status: Definition['status']
  readonly statusReason: string | null
  /**
   * Sources it reads, `schema.table`; stream tables among them are marked. `capture` is null of those, and of what an
   * immediate one reads.
   */
  readonly sources: readonly {
    readonly name: string
    readonly streamTable: number | null
    readonly capture: 'trigger' | 'wal' | null
  }[]
  readonly refreshedAt: Date | null
  /** The capture of what it reads is paused: it can not follow, and its buffers do not tell how far it lags. */
  readonly gated: boolean
  /** What AUTO chose when it last had to, and why; null when it never had to. */
  readonly decision: (Decision & { readonly decidedAt: Date }) | null
}

/** What the catalog and the buffers say of it. Read-only; a few statements however many tables. */
export interface Status extends Description {
  /** Change rows waiting in the buffers of its sources, on all nodes, counted up to a bound. */
  readonly pendingChanges: number
  readonly pendingIsLowerBound: boolean
  /** Rows in the stream table by the server's statistics. */
  readonly estimatedRows: number
  readonly consecutiveErrors: number
  readonly lastError: { readonly code: string; readonly message: string; readonly hint?: string } | null
  /** What its new query says is being filled beside it, or was left so; null while it has no other query to come. */
  readonly newQuery: NewQueryStatus | null
  /** Figures of the refreshes of the last hour, milliseconds; of a busy one, of the last of them. */
  readonly refreshes: { readonly count: number; readonly p50Ms: number | null; readonly p99Ms: number | null }
}

export interface NewQueryStatus {
  readonly query: string
  readonly phase: 'capturing' | 'filling' | 'catching up' | 'swapping'
  readonly startedAt: Date
  /** Somebody is at it; if not, it was left behind, and goes away. */
  readonly running: boolean
  /** Somebody wants it to end. */
  readonly canceled: boolean
  /** Of its storage so far. */
  readonly bytes: number
  /** Refreshes since it was filled, and the change rows of the last; null when there was none, or it did not count them. */
  readonly rounds: number
  readonly changeRows: number | null
}

interface DescriptionRow extends Omit<Description, 'name' | 'modeReason' | 'sources' | 'decision' | 'advisory'> {
  readonly sharded: boolean
  readonly decision: (Decision & { readonly decidedAt: string }) | null
  readonly reasonCode: string | null
  readonly reasonDetail: string | null
  readonly sources: readonly (Omit<Description['sources'][number], 'name'> & {
    readonly schema: string
    readonly table: string
  })[]
}

export async function describeStreamTables(
  queryable: Queryable,
  id: number | null = null,
): Promise<readonly Description[]> {
  const rows = await queryable.query<DescriptionRow>(sql`
    select t.stream_table_id as id, t.schema_name as schema, t.table_name as table, t.query, t.mode,
      t.effective_mode as "effectiveMode", t.mode_reason as "reasonCode", t.mode_detail as "reasonDetail", t.schedule, t.fuse::float8 as fuse, t.sla_ms::float8 as "slaMs", t.tier, t.atomic, t.storage,
      array(select format('%I.%I', o.schema_name, o.table_name) from freshet.stream_table o where o.unit = t.unit and o.stream_table_id <> t.stream_table_id order by 1) as together,
      t.key_columns as "keyColumns", coalesce(t.plan -> 'output', '{"kind": "local"}') as placement,
      exists (select from freshet.shard_queue_reader q where q.stream_table_id = t.stream_table_id) as "pushedDown", ${HAS_SHARDS} as sharded, s.status, s.status_reason as "statusReason", s.refreshed_at as "refreshedAt", s.decision,
      exists (select from freshet.gated_stream_table g where g.stream_table_id = t.stream_table_id) as gated,
      coalesce((
        select jsonb_agg(jsonb_build_object('schema', f.schema_name, 'table', f.table_name, 'streamTable', u.stream_table_id,
            'capture', f.capture)
          order by f.schema_name, f.table_name)
        from freshet.dependency d
        -- by the key of each: otherwise every stream table would look through all sources
        cross join lateral (
          select o.schema_name, o.table_name, case when o.capture in ('trigger', 'wal') then o.capture end as capture
          from freshet.source o where t.mode <> 'immediate' and o.stable_name = d.stable_name
          -- what an immediate one reads need not be captured
          union all select p ->> 'schema', p ->> 'table', null
          from jsonb_array_elements(t.plan -> 'sources') p where t.mode = 'immediate' and p ->> 'stableName' = d.stable_name
        ) f
        left join freshet.stream_table u on u.stable_name = d.stable_name
        where d.stream_table_id = t.stream_table_id
      ), '[]') as sources
    from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where (${id}::int is null or t.stream_table_id = ${id}::int)
      and not exists (select from freshet.shadow_build b where b.shadow_id = t.stream_table_id)
    order by t.schema_name, t.table_name`)
  return rows.map(({ reasonCode, reasonDetail, sources, decision, sharded, ...row }) => ({
    ...row,
    name: displayName(row),
    advisory: advisoryOf({ sharded, pushedDown: row.pushedDown }),
    modeReason: reasonCode === null ? null : { code: reasonCode, detail: reasonDetail ?? '', hint: hintOf(reasonCode) },
    decision: decision && { ...decision, decidedAt: new Date(decision.decidedAt) },
    sources: sources.map(({ schema, table, ...source }) => ({ name: displayName({ schema, table }), ...source })),
  }))
}

interface FigureRow {
  readonly id: number
  readonly estimatedRows: number
  readonly consecutiveErrors: number
  readonly lastError: Status['lastError']
  readonly count: number
  readonly p50: number | null
  readonly p99: number | null
}

/** Of all, or of one. */
export async function statusOf(queryable: Queryable, id: number | null = null): Promise<readonly Status[]> {
  const [described, newQueries, figures, pending] = await Promise.all([
    describeStreamTables(queryable, id),
    newQueriesOf(queryable),
    figuresOf(queryable, id),
    pendingCounts(queryable, id),
  ])
  // what reads shards has an advisory, or is refreshed there
  const reaches = described.some((t) => t.placement.kind !== 'local' || t.pushedDown || t.advisory !== null)
  const onShards = await lookAtShards(queryable, reaches)
  return described.map((table): Status => {
    const own = figures.get(table.id)
    const waiting = pending.get(table.id) ?? { changes: 0, bounded: false }
    const elsewhere = onShards.waiting.get(table.id) ?? { changes: 0, bounded: false }
    return {
      ...table,
      pendingChanges: waiting.changes + elsewhere.changes,
      pendingIsLowerBound: waiting.bounded || elsewhere.bounded,
      estimatedRows: onShards.sizes.get(table.id)?.rows ?? own?.estimatedRows ?? 0,
      consecutiveErrors: own?.consecutiveErrors ?? 0,
      lastError: own?.lastError ?? null,
      newQuery: newQueries.get(table.id) ?? null,
      refreshes: { count: own?.count ?? 0, p50Ms: own?.p50 ?? null, p99Ms: own?.p99 ?? null },
    }
  })
}

async function newQueriesOf(queryable: Queryable): Promise<ReadonlyMap<number, NewQueryStatus>> {
  const rows = await queryable.query<NewQueryStatus & { id: number }>(sql`
    select stream_table_id as id, query, phase, started_at as "startedAt", running, canceled,
      coalesce(bytes, 0)::float8 as bytes, rounds, change_rows::float8 as "changeRows"
    from freshet.shadow_build_status where phase <> 'replaced'`)
  return new Map(rows.map(({ id, ...status }) => [id, status]))
}

/** So many of the last refreshes are looked at, of all stream tables together, however many an hour has. */
const FIGURES_BOUND = 100_000

async function figuresOf(queryable: Queryable, id: number | null): Promise<ReadonlyMap<number, FigureRow>> {
  const rows = await queryable.query<FigureRow>(sql`
    with last as (
      -- statement_timestamp(), which does not change while the statement runs: an index can be asked for it
      select stream_table_id, started_at, finished_at, error, action from freshet.refresh_history
      where started_at > statement_timestamp() - interval '1 hour'
      order by started_at desc limit ${FIGURES_BOUND}
    ),
    recent as (
      select stream_table_id, count(*)::float8 as count,
        percentile_cont(0.5) within group (order by extract(epoch from finished_at - started_at) * 1000) as p50,
        percentile_cont(0.99) within group (order by extract(epoch from finished_at - started_at) * 1000) as p99
      from last
      where (${id}::int is null or stream_table_id = ${id}::int) and error is null and action <> 'initial'
      group by stream_table_id
    )
    select s.stream_table_id as id, greatest(coalesce(c.reltuples, 0), 0)::float8 as "estimatedRows",
      s.consecutive_errors as "consecutiveErrors", s.last_error as "lastError", coalesce(r.count, 0) as count, r.p50, r.p99
    from freshet.stream_table_state s
    join freshet.stream_table t using (stream_table_id)
    left join pg_catalog.pg_class c on c.oid = t.relation
    left join recent r using (stream_table_id)
    where ${id}::int is null or s.stream_table_id = ${id}::int`)
  return new Map(rows.map((row) => [row.id, row]))
}

/** One refresh, done or failed. */
export interface HistoryEntry {
  readonly refreshId: string
  readonly name: string
  readonly startedAt: Date
  readonly finishedAt: Date
  readonly action: 'initial' | 'differential' | 'full'
  /** Why it was of this kind, as a reason code; null where there was nothing to decide. */
  readonly reason: string | null
  readonly initiatedBy: string
  readonly changeRows: number
  readonly rowsInserted: number
  readonly rowsDeleted: number
  readonly error: { readonly code: string; readonly message: string } | null
  /** What AUTO expected of either kind of refresh, where it had to choose. */
  readonly decision: Decision | null
}

export async function historyOf(
  queryable: Queryable,
  definition: Definition | null,
  limit: number,
): Promise<readonly HistoryEntry[]> {
  const rows = await queryable.query<Omit<HistoryEntry, 'name'> & { schema: string; table: string }>(sql`
    select h.refresh_id::text as "refreshId", t.schema_name as schema, t.table_name as table, h.started_at as "startedAt",
      h.finished_at as "finishedAt", h.action, h.reason, h.initiated_by as "initiatedBy", h.change_rows::float8 as "changeRows",
      h.rows_inserted::float8 as "rowsInserted", h.rows_deleted::float8 as "rowsDeleted", h.error, h.decision
    from freshet.refresh_history h join freshet.stream_table t using (stream_table_id)
    where ${definition?.id ?? null}::int is null or h.stream_table_id = ${definition?.id ?? null}::int
    order by h.refresh_id desc
    limit ${limit}`)
  return rows.map(({ schema, table, ...row }) => ({ ...row, name: displayName({ schema, table }) }))
}
