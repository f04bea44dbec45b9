import type { Database, Queryable } from '../database.ts'
import { CATALOG_SCHEMA } from '../names.ts'
import { raw, sql } from '../sql.ts'
import { type Migration, shippedMigrations } from './migrations.ts'

/**
 * The functions and views of Freshet's schema, as the migrations make them in the end. They hold no data, so one that is
 * gone is simply created again, from the text of the migration that made it last.
 */
export interface CatalogObject {
  readonly kind: 'function' | 'view'
  readonly name: string
  readonly create: string
}

/** In the order in which they were made: a later one may use an earlier one. */
export function catalogObjects(migrations: readonly Migration[]): readonly CatalogObject[] {
  const objects = new Map<string, CatalogObject>()
  for (const { script } of migrations) {
    for (const match of script.matchAll(/^(create(?: or replace)?|drop) (function|view) freshet\.(\w+)/gm)) {
      const [, verb, kind, name = ''] = match
      objects.delete(name)
      if (verb === 'drop') continue
      const rest = script.slice(match.index)
      const end = kind === 'function' ? rest.indexOf('\n$$;') + '\n$$;'.length : rest.indexOf(';') + 1
      objects.set(name, { kind: kind === 'view' ? 'view' : 'function', name, create: rest.slice(0, end) })
    }
  }
  return [...objects.values()]
}

/** Creates those that are gone; returns their names. */
export async function rebuildCatalogObjects(database: Database): Promise<readonly string[]> {
  const objects = catalogObjects(await shippedMigrations())
  const gone = await missing(database, objects)
  if (gone.length === 0) return []
  return database.transaction(async (transaction) => {
    // somebody may have been faster
    const still = await missing(transaction, gone)
    for (const { create } of still) await transaction.query(raw(create))
    return still.map(({ kind, name }) => `${kind} ${CATALOG_SCHEMA}.${name}`)
  })
}

async function missing(queryable: Queryable, objects: readonly CatalogObject[]): Promise<readonly CatalogObject[]> {
  const names = objects.map(({ name }) => name)
  const found = await queryable.query<{ name: string }>(sql`
    select name from unnest(${names}::text[]) as name
    where exists (select from pg_catalog.pg_proc p where p.pronamespace = ${CATALOG_SCHEMA}::regnamespace and p.proname = name)
      or exists (select from pg_catalog.pg_class c where c.relnamespace = ${CATALOG_SCHEMA}::regnamespace and c.relname = name)`)
  const present = new Set(found.map(({ name }) => name))
  return objects.filter(({ name }) => !present.has(name))
}
