import type { Queryable } from '../database.ts'
import { sql } from '../sql.ts'

/**
 * Where a table's rows are. Without Citus every table is `local`, and nobody is asked.
 *
 *   local        on this server, an ordinary table; also one that Citus has not been told of
 *   managed      on the coordinator alone, in a shard: a local table that Citus knows of, for its foreign keys
 *   reference    on every node, the same rows
 *   distributed  on the workers, cut by the hash of one column
 *   single       on one worker, uncut; `schema`: with all others of its schema
 */
export type Placement =
  | { readonly kind: 'local' }
  | { readonly kind: 'managed' }
  | { readonly kind: 'reference' }
  | {
      readonly kind: 'distributed'
      readonly column: string
      readonly type: string
      readonly colocation: number
      readonly shards: number
    }
  | {
      readonly kind: 'single'
      readonly schema: string | null
      readonly colocation: number
      readonly shards: number
    }
  /** By range or by appending: ways of old, which Citus itself advises against. */
  | { readonly kind: 'unsupported'; readonly method: string }

export type PlacementKind = Placement['kind']

export const LOCAL: Placement = { kind: 'local' }

interface PlacementRow {
  readonly method: string
  readonly model: string
  readonly colocation: number
  readonly column: string | null
  readonly type: string | null
  readonly shards: number
  readonly tenant: string | null
}

/** Of one table, by its oid. Asked only where the extension is: see `readCitusVersion`. */
export async function readPlacement(queryable: Queryable, relation: number): Promise<Placement> {
  const [row] = await queryable.query<PlacementRow>(
    sql`
    select p.partmethod as method, p.repmodel as model, p.colocationid as colocation, a.attname as column,
      a.atttypid::regtype::text as type,
      (select count(*)::int from pg_catalog.pg_dist_shard s where s.logicalrelid = p.logicalrelid) as shards,
      (select n.nspname from pg_catalog.pg_dist_schema d join pg_catalog.pg_namespace n on n.oid = d.schemaid
        where d.colocationid = p.colocationid) as tenant
    from pg_catalog.pg_dist_partition p
      left join pg_catalog.pg_attribute a on a.attrelid = p.logicalrelid
        and a.attname = pg_catalog.column_to_column_name(p.logicalrelid, p.partkey)
    where p.logicalrelid = ${relation}::oid`,
    { prepared: true },
  )
  return row === undefined ? LOCAL : placementOf(row)
}

function placementOf({ method, model, colocation, column, type, shards, tenant }: PlacementRow): Placement {
  if (method === 'h' && column !== null && type !== null)
    return { kind: 'distributed', column, type, colocation, shards }
  if (method !== 'n') return { kind: 'unsupported', method }
  if (model === 't') return { kind: 'reference' }
  return colocation === 0 ? { kind: 'managed' } : { kind: 'single', schema: tenant, colocation, shards }
}

/** Its rows, and so its changes, are on other nodes. */
export function isSharded(placement: Placement): placement is Extract<Placement, { readonly shards: number }> {
  return placement.kind === 'distributed' || placement.kind === 'single'
}
