import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from './database.ts'
import { DEFAULT_SETTINGS, readSettings, SETTINGS, writeSetting } from './settings.ts'
import { raw, sql } from './sql.ts'

let created: TestDatabase
let database: Database
beforeAll(async () => {
  created = await createTestDatabase()
  database = created.database
})
afterAll(() => created.drop())

test('every setting has facts, and its default is one of the values that it takes', () => {
  expect(Object.fromEntries(Object.entries(SETTINGS).map(([name, facts]) => [name, facts.default]))).toEqual(
    DEFAULT_SETTINGS,
  )
})

test('a setting has its default until it is written, and again when it is taken away', async () => {
  expect(await readSettings(database)).toEqual(DEFAULT_SETTINGS)
  expect(await writeSetting(database, 'poll_max_ms', 500)).toEqual({ ...DEFAULT_SETTINGS, poll_max_ms: 500 })
  await writeSetting(database, 'force_full_refresh', true)
  expect(await readSettings(database)).toEqual({ ...DEFAULT_SETTINGS, poll_max_ms: 500, force_full_refresh: true })
  await writeSetting(database, 'poll_max_ms', null)
  await writeSetting(database, 'force_full_refresh', null)
  expect(await readSettings(database)).toEqual(DEFAULT_SETTINGS)
})

test.each([
  ['no_such', 1, /there is no setting no_such/],
  ['toString', 1, /there is no setting toString/],
  ['cleanup_batch_rows', 0, /cleanup_batch_rows can not be 0/],
  ['cleanup_batch_rows', 1.5, /can not be 1.5/],
  ['cleanup_batch_rows', '10', /can not be "10"/],
  ['force_full_refresh', 'on', /can not be "on"/],
  ['force_full_refresh', {}, /can not be {}/],
  ['poll_min_ms', 1_000, /poll_max_ms can not be/],
])('%s can not be %j, and nothing is stored', async (name, value, message) => {
  const failure = writeSetting(database, name, value)
  await expect(failure).rejects.toMatchObject({ code: 'INVALID_SETTING' })
  await expect(failure).rejects.toThrow(message)
  expect(await database.query(raw('select * from freshet.setting'))).toEqual([])
})

test('what a newer version stored is left alone; what makes no sense is an error', async () => {
  await database.query(sql`insert into freshet.setting (name, value) values ('from_the_future', '1')`)
  expect(await readSettings(database)).toEqual(DEFAULT_SETTINGS)
  await database.query(sql`insert into freshet.setting (name, value) values ('poll_min_ms', '"often"')`)
  await expect(readSettings(database)).rejects.toMatchObject({ code: 'INVALID_SETTING' })
})

test('writers take turns: two that are each right alone can not be wrong together', async () => {
  for (let round = 0; round < 20; round++) {
    await database.query(raw('delete from freshet.setting'))
    const results = await Promise.allSettled([
      writeSetting(database, 'poll_min_ms', 150),
      writeSetting(database, 'poll_max_ms', 100),
    ])
    expect(results.map((result) => result.status).sort()).toEqual(['fulfilled', 'rejected'])
  }
  expect(await database.query(raw('select from freshet.setting'))).toHaveLength(1)
})
