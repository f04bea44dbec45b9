import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Database } from '../database.ts'
import { connect } from '../postgres.ts'
import { identifier, raw, sql } from '../sql.ts'
import { isInstalledHere } from './installation.ts'
import { migrate, requireSchema } from './migrate.ts'
import { type Migration, readMigration, shippedMigrations } from './migrations.ts'

let created: TestDatabase
let database: Database
beforeEach(async () => {
  created = await createTestDatabase({ migrated: false })
  database = created.database
})
afterEach(() => created.drop())

const additive = (name: string, script: string) => readMigration(name, `-- compatibility: additive\n${script}`)
const breaking = (name: string, script: string) => readMigration(name, `-- compatibility: breaking\n${script}`)

async function withMore(...more: Migration[]): Promise<readonly Migration[]> {
  return [...(await shippedMigrations()), ...more]
}
const FIRST = '900001'
const SECOND = '900002'

test('installs once; a second run finds nothing to do', async () => {
  await expect(requireSchema(database)).rejects.toMatchObject({ code: 'NOT_INSTALLED' })
  const shipped = await shippedMigrations()
  expect(await migrate(database)).toEqual({ applied: shipped.map(({ name }) => name), schemaVersion: shipped.length })
  expect(await migrate(database)).toEqual({ applied: [], schemaVersion: shipped.length })
  expect(await requireSchema(database)).toBe(shipped.length)
})

test('concurrent starters apply each migration once', async () => {
  const all = await withMore(
    additive(FIRST, 'create table freshet.first (); select pg_sleep(0.05)'),
    additive(SECOND, 'create table freshet.second ()'),
  )
  const starters = await Promise.all(Array.from({ length: 6 }, () => connect(created.url)))
  try {
    const reports = await Promise.all(starters.map((starter) => migrate(starter, all)))
    expect(reports.flatMap((report) => report.applied).sort()).toEqual(all.map(({ name }) => name))
    expect(new Set(reports.map((report) => report.schemaVersion))).toEqual(new Set([Number(SECOND)]))
  } finally {
    await Promise.all(starters.map((starter) => starter.close()))
  }
})

test('a run that dies leaves whole migrations, and the next one goes on', async () => {
  const broken = await withMore(
    additive(FIRST, 'create table freshet.first ()'),
    additive(SECOND, 'create table freshet.second (); select 1/0'),
  )
  await expect(migrate(database, broken)).rejects.toMatchObject({ sqlState: '22012' })
  const tables = () =>
    database.query(
      raw(
        `select to_regclass('freshet.first') is not null as first, to_regclass('freshet.second') is not null as second`,
      ),
    )
  expect(await tables()).toEqual([{ first: true, second: false }])
  const mended = await withMore(
    additive(FIRST, 'create table freshet.first ()'),
    additive(SECOND, 'create table freshet.second ()'),
  )
  await expect(requireSchema(database, mended)).rejects.toMatchObject({ code: 'SCHEMA_OUTDATED' })
  expect(await migrate(database, mended)).toMatchObject({ applied: [SECOND] })
  expect(await tables()).toEqual([{ first: true, second: true }])
})

test('schemas that are there already, empty, are used', async () => {
  await database.query(raw('create schema freshet; create schema freshet_changes'))
  await expect(requireSchema(database)).rejects.toMatchObject({ code: 'NOT_INSTALLED' })
  expect((await migrate(database)).applied).not.toEqual([])
})

test('an older program refuses a schema that broke with it, and works with one that only grew', async () => {
  await migrate(database, await withMore(additive(FIRST, 'create table freshet.first ()')))
  expect(await requireSchema(database)).toBe(Number(FIRST))
  expect(await migrate(database)).toMatchObject({ applied: [] })
  await migrate(database, await withMore(additive(FIRST, 'select'), breaking(SECOND, 'drop table freshet.first')))
  await expect(requireSchema(database)).rejects.toMatchObject({ code: 'SCHEMA_NEWER', retry: 'never' })
  await expect(migrate(database)).rejects.toMatchObject({
    code: 'SCHEMA_NEWER',
    detail: expect.stringContaining(SECOND),
  })
})

test('a role that may not create is told what it lacks; nothing is left behind; on a current schema it may start', async () => {
  const role = `poor_${created.name}`
  await database.query(sql`create role ${identifier(role)} login password 'poor'`)
  const url = new URL(created.url)
  url.username = role
  url.password = 'poor'
  const poor = await connect(url.toString())
  try {
    await expect(migrate(poor)).rejects.toMatchObject({
      code: 'INSUFFICIENT_PRIVILEGE',
      sqlState: '42501',
      hint: expect.stringContaining(`grant create on database ${created.name} to ${role}`),
    })
    expect(await database.query(raw(`select from pg_namespace where nspname like 'freshet%'`))).toEqual([])
    await migrate(database)
    await database.query(sql`
      grant usage on schema freshet to ${identifier(role)};
      grant select on all tables in schema freshet to ${identifier(role)}`)
    expect(await migrate(poor)).toMatchObject({ applied: [] })
  } finally {
    await poor.close()
    await database.query(sql`drop owned by ${identifier(role)}; drop role ${identifier(role)}`)
  }
})

test('in another cluster, every stream table is to be filled anew', async () => {
  await migrate(database)
  expect(await isInstalledHere(database)).toBe(true)
  await database.query(
    raw(`
    insert into freshet.stream_table (schema_name, table_name, stable_name, query, definition, mode, effective_mode, storage, plan)
    values ('s', 't', '0123456789abcdef', '', '', 'auto', 'full', 'bag', '{}');
    insert into freshet.stream_table_state (stream_table_id) select stream_table_id from freshet.stream_table`),
  )
  await migrate(database)
  const state = () => database.query(raw('select reinitialize, version from freshet.stream_table_state'))
  expect(await state()).toEqual([{ reinitialize: null, version: '1' }])
  await database.query(raw(`update freshet.installation set system_identifier = 'system:1'`))
  expect(await isInstalledHere(database)).toBe(false)
  await migrate(database)
  expect(await isInstalledHere(database)).toBe(true)
  expect(await state()).toEqual([
    { reinitialize: 'cluster_changed', version: expect.not.stringMatching(/^1$/) as string },
  ])
})

test('where the system identifier may not be read, the database itself is recognised', async () => {
  await database.query(raw('revoke execute on function pg_control_system() from public'))
  const role = `blind_${created.name}`
  await database.query(
    sql`create role ${identifier(role)} login password 'blind'; grant create on database ${identifier(created.name)} to ${identifier(role)}`,
  )
  const url = new URL(created.url)
  url.username = role
  url.password = 'blind'
  const blind = await connect(url.toString())
  try {
    await migrate(blind)
    const [row] = await blind.query(raw('select system_identifier as identity from freshet.installation'))
    expect(row?.['identity']).toMatch(/^database:\d+:\d+$/)
    expect(await isInstalledHere(blind)).toBe(true)
  } finally {
    await blind.close()
    await database.query(sql`drop owned by ${identifier(role)} cascade; drop role ${identifier(role)}`)
  }
})
