import { type Queryable, sql } from '@freshet/core'
import { loadParser, relationKey, renameRelations, type RenamedRelation } from '@freshet/dvm'
import type { Definition } from './definition.ts'

/**
 * The query of a stream table in the names of today. As a view does it: a relation is the one with the oid, whatever it
 * is called and whoever has its old name, and a column the one with the number. What was dropped is looked for by its
 * name: it may have been made again. So is a stream table whose query was altered, and whose name another has by now.
 */
export async function followNames(queryable: Queryable, definition: Definition): Promise<string> {
  const rows = await queryable.query<{
    schemaBefore: string
    tableBefore: string
    schema: string
    table: string
    columnsBefore: readonly (readonly [number: number, name: string])[]
    columns: readonly (readonly [number: number, name: string])[]
  }>(sql`
    select r.schema_name as "schemaBefore", r.name as "tableBefore", n.nspname as schema, c.relname as table,
      r.columns as "columnsBefore", now.columns
    from freshet.reference r
    join pg_catalog.pg_class c on c.oid = r.object
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    cross join lateral (
      select jsonb_agg(jsonb_build_array(a.attnum, a.attname) order by a.attnum) as columns
      from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    ) now
    where r.stream_table_id = ${definition.id} and r.class = 'pg_catalog.pg_class'::regclass and r.part = 0 and r.columns is not null
      and not exists (
        select from freshet.shadow_build b join freshet.stream_table replaced on replaced.stream_table_id = b.shadow_id
        where replaced.relation = r.object
      )
      and (n.nspname <> r.schema_name or c.relname <> r.name or exists (
        select from jsonb_array_elements(r.columns) was join jsonb_array_elements(now.columns) is_now on is_now -> 0 = was -> 0
        where is_now -> 1 <> was -> 1
      ))`)
  if (rows.length === 0) return definition.definition
  await loadParser()
  const renamed = rows.map((row): readonly [string, RenamedRelation] => {
    const positions = new Map(row.columnsBefore.map(([number], position) => [number, position]))
    return [
      relationKey(row.schemaBefore, row.tableBefore),
      {
        schema: row.schema,
        table: row.table,
        columns: row.columns.map(([number, name]) => ({ name, before: positions.get(number) ?? null })),
        columnsBefore: row.columnsBefore.map(([, name]) => name),
      },
    ]
  })
  return renameRelations(definition.definition, new Map(renamed))
}
