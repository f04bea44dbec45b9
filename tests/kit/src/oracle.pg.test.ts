import { raw } from '@freshet/core'
import { expect, test } from 'vitest'
import { assertEqualToQuery, createTestDatabase, differences } from './index.ts'

test('duplicates count, equal values of another scale do not, and json is compared as text', async () => {
  await using test = await createTestDatabase()
  const db = test.database
  await db.query(raw(`create table held (n numeric, j json, a json[], __w int);`))
  await db.query(
    raw(`insert into held values (1.00, '{"a":1}', '{}', 1), (1.0, '{"a":1}', '{}', 2), (2, null, null, 3)`),
  )
  const same = `select 1::numeric as n, '{"a":1}'::json as j, '{}'::json[] as a from generate_series(1, 2)
    union all select 2, null, null`
  expect(await differences(db, 'held', same)).toEqual([])
  await assertEqualToQuery(db, 'held', same)

  const once = `select 1::numeric, '{"a":1}'::json, '{}'::json[] union all select 2, null, null union all select 3, null, null`
  const named = `select n, j, a from (${once}) as q (n, j, a)`
  expect((await differences(db, 'held', named)).map(({ side }) => side)).toEqual(['extra', 'missing'])
  await expect(assertEqualToQuery(db, 'held', named)).rejects.toThrow(/- \{"a": null, "j": null, "n": 3\}/)
})

test('a table with too few columns is not taken for its query', async () => {
  await using test = await createTestDatabase()
  await test.database.query(raw('create table held as select 1 as n'))
  await expect(differences(test.database, 'held', 'select 1 as n, 2 as m')).rejects.toThrow(/same number of columns/)
})
