import { missingOf, type Queryable, readCitusVersion, sql } from '@freshet/core'
import { readShardSizes } from './citus/shard-rows.ts'
import { missingIndexes, type Lookup, type MissingIndex, type TableIndexes } from '@freshet/dvm'

/** Which indexes the deltas of these lookups want and do not find; asks the catalog once. */
export async function findMissingIndexes(
  queryable: Queryable,
  lookups: readonly Lookup[],
): Promise<readonly MissingIndex[]> {
  if (lookups.length === 0) return []
  return missingIndexes(lookups, await indexesOf(queryable, [...new Set(lookups.map((lookup) => lookup.oid))]))
}

/** Of a table that Citus has placed, the shards are what is large. */
async function indexesOf(queryable: Queryable, oids: readonly number[]): Promise<readonly TableIndexes[]> {
  const version = await readCitusVersion(queryable)
  const placed = version !== null && missingOf(version).length === 0 ? await readShardSizes(queryable, oids) : null
  const tables = await queryable.query<TableIndexes>(sql`
    select c.oid::int8::float8 as oid,
      (pg_catalog.pg_relation_size(c.oid) + coalesce((
        select sum(pg_catalog.pg_relation_size(p.relid)) from pg_catalog.pg_partition_tree(c.oid) p where p.isleaf and p.relid <> c.oid
      ), 0))::float8 as bytes,
      coalesce((
        select jsonb_agg((
          select jsonb_agg(a.attname order by k.position)
          from unnest(i.indkey::int2[]) with ordinality k(number, position)
          left join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = k.number
          where k.position <= i.indnkeyatts
        ))
        from pg_catalog.pg_index i
        where i.indrelid = c.oid and i.indisvalid and i.indpred is null
      ), '[]') as indexes
    from pg_catalog.pg_class c where c.oid = any (${oids}::oid[])`)
  return tables.map((table) => ({ ...table, bytes: placed?.get(table.oid)?.bytes ?? table.bytes }))
}
