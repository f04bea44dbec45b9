import type { CapturedColumn, Placement, Queryable, SourceIdentifier, SourceRow } from '@freshet/core'
import { bufferSizes, bufferTable, CITUS_VERSION, isCapable, LOCAL, sql } from '@freshet/core'
import { CAPTURE_EVENTS, captureFunctionName, logTable, packTable } from './capture-names.ts'
import { readPlaced } from './citus/placed.ts'

/** What the server says about a source and its capture, all in one statement. Null when there is no such relation. */
export interface SourceFacts {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly kind: string
  readonly persistence: string
  /** It is a partition, or inherits: a write through its parent does not fire its triggers. */
  readonly parent: string | null
  readonly columns: readonly SourceColumn[]
  /** The relation itself first, then its partitions and children, parents before children. */
  readonly members: readonly Member[]
  readonly hasLog: boolean
  readonly placement: Placement
  /** What its placement needs besides is there, and beside its shards. */
  readonly hasShardLog: boolean
  /** All capture in this database is paused. */
  readonly allPaused: boolean
  readonly tracked: TrackedSource | null
}

export interface SourceColumn extends CapturedColumn {
  /** A virtual generated column's expression. */
  readonly expression: string | null
  /** Whether many values fit into one array: always, when they are short enough to ask by `octet_length`, or never. */
  readonly packing: 'always' | 'when short' | 'never'
}

export interface Member {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly kind: string
  readonly mayTrigger: boolean
  /** Names of the enabled triggers that call this source's capture function. */
  readonly triggers: readonly string[]
}

export interface TrackedSource {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly capture: SourceRow['capture']
  readonly columns: readonly CapturedColumn[]
  readonly members: readonly number[]
  readonly placement: Placement
  readonly gate: Gate
  /** What the gate is to be: shut when somebody paused this source, or all capture. */
  readonly wantedGate: Gate
}

/** Open: statements are captured. Shut: the trigger functions return at once. */
export type Gate = SourceRow['gate']

/** By OID as long as that lives, whatever its name is now; else by name: a source may have been renamed, or recreated. */
export async function readSource(database: Queryable, source: SourceIdentifier): Promise<SourceFacts | null> {
  const functions = CAPTURE_EVENTS.map((event) => captureFunctionName(event, source.stableName).text)
  const [row] = await database.query<{ facts: Omit<SourceFacts, 'placement' | 'hasShardLog'>; citus: string | null }>(
    sql`
    with recursive source as (
      select c.* from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.oid = ${source.oid}::oid or (n.nspname = ${source.schema} and c.relname = ${source.table})
      order by c.oid = ${source.oid}::oid desc
      limit 1
    ),
    member (oid, depth) as (
      select oid, 0 from source
      union all
      select i.inhrelid, depth + 1 from member join pg_inherits i on i.inhparent = member.oid
    ),
    base (attnum, oid) as (
      select attnum, atttypid from pg_attribute where attrelid = (select oid from source)
      union all
      select attnum, t.typbasetype from base join pg_type t on t.oid = base.oid where t.typtype = 'd'
    )
    select json_build_object(
      'oid', c.oid::int8,
      'schema', n.nspname,
      'table', c.relname,
      'kind', c.relkind,
      'persistence', c.relpersistence,
      'parent', (
        select p.oid::regclass::text from pg_inherits i join pg_class p on p.oid = i.inhparent
        where i.inhrelid = c.oid limit 1
      ),
      'columns', (
        select coalesce(json_agg(json_build_object(
          'name', a.attname,
          'type', quote_ident(tn.nspname) || '.' || quote_ident(t.typname),
          'expression', case when a.attgenerated = 'v' then (
            select pg_get_expr(e.adbin, e.adrelid) from pg_attrdef e where e.adrelid = c.oid and e.adnum = a.attnum
          ) end,
          'packing', case
            when t.typarray = 0 then 'never'
            when t.typlen > 0 or t.oid = 'numeric'::regtype then 'always'
            when t.oid in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'bytea'::regtype) then 'when short'
            else 'never'
          end
        ) order by a.attnum), '[]')
        from pg_attribute a join base using (attnum)
          join pg_type t on t.oid = base.oid and t.typtype <> 'd'
          join pg_namespace tn on tn.oid = t.typnamespace
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ),
      'members', (
        select json_agg(json_build_object(
          'oid', mc.oid::int8, 'schema', mn.nspname, 'table', mc.relname, 'kind', mc.relkind,
          'mayTrigger', has_table_privilege(mc.oid, 'TRIGGER'),
          'triggers', array(
            select tgname::text from pg_trigger
            where tgrelid = mc.oid and tgenabled in ('O', 'A')
              and tgfoid in (select to_regproc(name) from unnest(${functions}::text[]) as name)
          )
        ) order by m.depth, m.oid)
        from (select oid, min(depth) as depth from member group by oid) m
          join pg_class mc on mc.oid = m.oid join pg_namespace mn on mn.oid = mc.relnamespace
      ),
      'hasLog', to_regclass(${logTable(source.stableName).text}) is not null
        and to_regclass(${packTable(source.stableName).text}) is not null
        and to_regclass(${bufferTable(source.stableName).text}) is not null
        and to_regclass(${bufferSizes(source.stableName).text}) is not null,
      'allPaused', freshet.capture_is_paused(),
      'tracked', (
        select json_build_object('oid', s.relation::int8, 'schema', s.schema_name, 'table', s.table_name,
          'capture', s.capture, 'columns', s.captured_columns, 'members', s.members::int8[],
          'placement', s.placement, 'gate', s.gate,
          'wantedGate', case when s.paused or freshet.capture_is_paused() then 'shut' else 'open' end)
        from freshet.source s where s.stable_name = ${source.stableName}
      )
    ) as facts, ${CITUS_VERSION} as citus
    from source c join pg_namespace n on n.oid = c.relnamespace`,
    { prepared: true },
  )
  if (row === undefined) return null
  if (!isCapable(row.citus)) return { ...row.facts, placement: LOCAL, hasShardLog: true }
  return { ...row.facts, ...(await readPlaced(database, row.facts.oid, source.stableName)) }
}
