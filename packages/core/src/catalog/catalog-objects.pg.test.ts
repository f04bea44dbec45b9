import { createTestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { raw } from '../sql.ts'
import { catalogObjects, rebuildCatalogObjects } from './catalog-objects.ts'
import { readMigration, shippedMigrations } from './migrations.ts'

const OBJECTS = raw(`
  select 'function' as kind, proname::text as name, pg_get_functiondef(oid) as text from pg_proc where pronamespace = 'freshet'::regnamespace
  union all
  select 'view', relname::text, pg_get_viewdef(oid) from pg_class where relnamespace = 'freshet'::regnamespace and relkind = 'v'
  order by 1, 2`)

test('every function and view that the migrations make is known, and comes back as it was', async () => {
  await using test = await createTestDatabase()
  const { database } = test
  const before = await database.query<{ kind: string; name: string; text: string }>(OBJECTS)
  const known = catalogObjects(await shippedMigrations()).map(({ kind, name }) => `${kind} ${name}`)
  expect(known.sort()).toEqual(before.map(({ kind, name }) => `${kind} ${name}`))
  expect(await rebuildCatalogObjects(database)).toEqual([])
  for (const { kind, name } of before) await database.query(raw(`drop ${kind} if exists freshet.${name} cascade`))
  expect(await database.query(OBJECTS)).toEqual([])
  expect(await rebuildCatalogObjects(database)).toHaveLength(before.length)
  expect(await database.query(OBJECTS)).toEqual(before)
})

test('the last migration that makes an object counts, and one that drops it', () => {
  const script = (text: string, number: number) =>
    readMigration(`00000${number}`, `-- compatibility: additive\n${text}\n`)
  const first = 'create function freshet.a() returns int\nas $$\n  select 1;\n$$;'
  const second = 'create or replace function freshet.a() returns int\nas $$\n  select 2;\n$$;'
  const view = 'create view freshet.b as\nselect 1;'
  const objects = (...texts: string[]) => catalogObjects(texts.map(script)).map(({ create }) => create)
  expect(objects(`${first}\n${view}`)).toEqual([first, view])
  expect(objects(`${first}\n${view}`, second)).toEqual([view, second])
  expect(objects(`${first}\n${view}`, 'drop view freshet.b;')).toEqual([first])
})
