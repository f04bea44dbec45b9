import { FreshetError, displayName, type Queryable, sql, stableName } from '@freshet/core'
import { relationKey, type RelationFacts } from '@freshet/dvm'

/**
 * The relations that a query reads, views followed to what they read. PostgreSQL has recorded them as dependencies
 * of the probing view's rule, column by column.
 */
interface RelationRow {
  readonly oid: number
  readonly schema: string
  readonly table: string
  readonly kind: string
  readonly persistence: string
  readonly inherited: boolean
  readonly columns: readonly {
    readonly name: string
    readonly number: number
    readonly notNull: boolean
    readonly collation: string | null
    readonly type: { readonly oid: number; readonly modifier: number }
  }[]
  readonly keys: readonly (readonly string[])[]
  readonly definition: string | null
  readonly streamTable: string | null
  readonly stableName: string | null
  readonly used: readonly number[]
}

export async function relationsOf(transaction: Queryable, view: number): Promise<ReadonlyMap<string, RelationFacts>> {
  const found = new Map<number, RelationRow>()
  let frontier = [view]
  while (frontier.length > 0) {
    const rows = await transaction.query<RelationRow>(readBy(frontier))
    frontier = []
    for (const row of rows) {
      const known = found.get(row.oid)
      const used = new Set([...(known?.used ?? []), ...row.used])
      found.set(row.oid, { ...row, used: [...used] })
      if (known === undefined && row.kind === 'v') frontier.push(row.oid)
    }
  }
  return new Map([...found.values()].map((row) => [relationKey(row.schema, row.table), facts(row)]))
}

function facts(row: RelationRow): RelationFacts {
  const name = displayName({ schema: row.schema, table: row.table })
  if (row.persistence === 't') throw new FreshetError('TEMPORARY_SOURCE', `${name} is a temporary table`)
  if (row.schema === 'freshet' || row.schema === 'freshet_changes') {
    throw new FreshetError('SYSTEM_SOURCE', `${name} belongs to Freshet itself`)
  }
  const visible = row.streamTable === null ? row.columns : row.columns.filter((column) => !column.name.startsWith('__'))
  const wholly = row.used.length === 0
  const names = new Set(visible.map((column) => column.name))
  return {
    oid: row.oid,
    schema: row.schema,
    table: row.table,
    stableName: row.stableName ?? stableName(row.schema, row.table),
    kind: kindOf(row),
    columns: visible.map((column) => ({
      name: column.name,
      notNull: column.notNull,
      collation: column.collation,
      type: column.type,
      used: wholly || row.used.includes(column.number),
    })),
    keys: row.inherited ? [] : row.keys.filter((key) => key.every((column) => names.has(column))),
    definition: row.definition,
  }
}

function kindOf(row: RelationRow): RelationFacts['kind'] {
  if (row.streamTable !== null) return 'stream_table'
  if (row.schema === 'pg_catalog' || row.schema === 'information_schema') return 'system'
  switch (row.kind) {
    case 'r':
      return 'table'
    case 'p':
      return 'partitioned'
    case 'v':
      return 'view'
    case 'm':
      return 'materialized_view'
    case 'f':
      return 'foreign'
    default:
      return 'system'
  }
}

/** In an order of its own: the same query makes the same plan. */
function readBy(views: readonly number[]) {
  return sql`
    with reads as (
      select d.refobjid as oid, array_agg(distinct d.refobjsubid::int) filter (where d.refobjsubid > 0) as used
      from pg_catalog.pg_rewrite r
      join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_rewrite'::regclass and d.objid = r.oid
        and d.refclassid = 'pg_catalog.pg_class'::regclass
      where r.ev_class = any (${views}::oid[]) and d.refobjid <> r.ev_class
      group by d.refobjid
    )
    select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as table, c.relkind as kind, c.relpersistence as persistence,
      c.relkind = 'r' and exists (select from pg_catalog.pg_inherits i where i.inhparent = c.oid) as inherited,
      coalesce((
        select jsonb_agg(jsonb_build_object('name', a.attname, 'number', a.attnum, 'notNull', a.attnotnull, 'type', jsonb_build_object('oid', a.atttypid::int8, 'modifier', a.atttypmod), 'collation',
          (select pg_catalog.quote_ident(s.nspname) || '.' || pg_catalog.quote_ident(l.collname)
           from pg_catalog.pg_collation l join pg_catalog.pg_namespace s on s.oid = l.collnamespace
           where l.oid = a.attcollation and l.oid <> 'pg_catalog."default"'::regcollation)) order by a.attnum)
        from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      ), '[]') as columns,
      coalesce((
        select jsonb_agg(k.columns order by k.primary desc, k.width, k.columns)
        from (
          select i.indisprimary as primary, i.indnkeyatts as width,
            (select jsonb_agg(a.attname order by p.position)
             from unnest(i.indkey::int2[]) with ordinality p(number, position)
             join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = p.number
             where p.position <= i.indnkeyatts) as columns,
            (select bool_and(a.attnotnull)
             from unnest(i.indkey::int2[]) with ordinality p(number, position)
             join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = p.number
             where p.position <= i.indnkeyatts) as required
          from pg_catalog.pg_index i
          where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
        ) k
        where k.required
      ), '[]') as keys,
      case when c.relkind = 'v' then pg_catalog.pg_get_viewdef(c.oid) end as definition,
      s.stream_table_id::text as "streamTable",
      coalesce(s.stable_name, t.stable_name) as "stableName",
      coalesce(reads.used, '{}') as used
    from reads
    join pg_catalog.pg_class c on c.oid = reads.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join freshet.stream_table s on s.relation = c.oid
    left join freshet.source t on t.relation = c.oid
    order by n.nspname, c.relname`
}
