import { expect, test } from 'vitest'
import { createTestDatabase } from './index.ts'

test('a fresh database, dropped at the end', async () => {
  const database = await createTestDatabase()
  const client = await database.client()
  const { rows } = await client.query('select current_database() as name')
  expect(rows).toEqual([{ name: database.name }])
  await database.drop()

  await using other = await createTestDatabase()
  const outside = await other.client()
  const left = await outside.query('select from pg_database where datname = $1', [database.name])
  expect(left.rowCount).toBe(0)
})

test('what a test leaves behind is reported, and removed', async () => {
  const database = await createTestDatabase()
  const client = await database.client()
  await client.query(`select pg_create_logical_replication_slot('left_${database.name}', 'pgoutput')`)
  await client.query(`
    create table t (i int);
    begin; insert into t values (1); prepare transaction 'left-behind-${database.name}'`)
  await expect(database.drop()).rejects.toThrow(/replication slot left_.*; prepared transaction left-behind/)
})

test('it has Freshet’s schemas, unless they are not wanted', async () => {
  const installed = "select to_regclass('freshet.stream_table') is not null as installed"
  await using migrated = await createTestDatabase()
  expect((await (await migrated.client()).query(installed)).rows).toEqual([{ installed: true }])
  await using empty = await createTestDatabase({ migrated: false })
  expect((await (await empty.client()).query(installed)).rows).toEqual([{ installed: false }])
})
