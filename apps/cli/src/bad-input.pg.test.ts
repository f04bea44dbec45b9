import { sql, type Database } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EXIT } from './exit-code.ts'
import { freshetHere as freshet } from './process.fixture.ts'

/** Bad input: each with its code, message and hint, and nothing left behind. */

let test: TestDatabase

beforeAll(async () => {
  test = await createTestDatabase()
  await test.database.query(sql`create table orders (id int primary key, customer text, amount numeric(10, 2))`)
  await test.database.query(sql`insert into orders select n, 'c' || n % 3, n from generate_series(1, 30) n`)
})

afterAll(() => test.drop())

async function refused(words: readonly string[], databaseUrl = test.url) {
  const machine = await freshet([...words, '--json'], { DATABASE_URL: databaseUrl })
  expect(machine.out).toBe('')
  const told = JSON.parse(machine.err) as Record<string, string>
  expect(told['message']).toMatch(/./)
  expect(told['hint']).toMatch(/./)
  return { exitCode: machine.exitCode, code: told['code'], message: told['message'], hint: told['hint'] }
}

function create(query: string, name = 'broken'): readonly string[] {
  return ['create', name, '--query', query]
}

/** Everything that a failed command could have left: relations, triggers, functions, catalog rows. */
async function everything(database: Database): Promise<unknown> {
  return database.query(sql`
    select 'relation' as kind, oid::regclass::text as name from pg_class
    where relnamespace::regnamespace::text !~ '^(pg_|information_schema)'
    union all select 'trigger', tgname || ' on ' || tgrelid::regclass from pg_trigger where not tgisinternal
    union all select 'function', oid::regprocedure::text from pg_proc
    where pronamespace::regnamespace::text !~ '^(pg_|information_schema)'
    union all select 'source', stable_name from freshet.source
    union all select 'stream table', table_name from freshet.stream_table
    union all select 'dependency', stable_name from freshet.dependency
    union all select 'event trigger', evtname from pg_event_trigger
    order by 1, 2`)
}

describe('create refuses, and leaves nothing behind:', () => {
  it.each([
    ['an unknown table', 'select * from nowhere', 'UNKNOWN_RELATION', /nowhere/],
    ['an unknown schema', 'select * from nowhere.orders', 'UNKNOWN_RELATION', /nowhere/],
    ['an unknown column', 'select wrong from orders', 'UNKNOWN_COLUMN', /wrong/],
    ['a volatile function', 'select id, random() as r from orders', 'VOLATILE_FUNCTION', /random/],
    ['a statement that is not a SELECT', 'delete from orders', 'NOT_A_SELECT', /./],
    ['two statements', 'select 1 as a; select 2 as b', 'NOT_A_SELECT', /./],
    ['SELECT INTO', 'select * into other from orders', 'NOT_A_SELECT', /./],
    ['text that is not SQL', 'selekt 1', 'SYNTAX_ERROR', /selekt/],
    ['an empty query', ' ', 'NOT_A_SELECT', /./],
    ['a type error', 'select customer + 1 as x from orders', 'INVALID_QUERY', /./],
    ["Freshet's own tables", 'select query from freshet.stream_table', 'SYSTEM_SOURCE', /freshet/],
  ])('%s', async (_what, query, code, message) => {
    const before = await everything(test.database)
    const told = await refused(create(query))
    expect(told).toMatchObject({ exitCode: EXIT.failed, code, message: expect.stringMatching(message) as string })
    expect(await everything(test.database)).toEqual(before)
  })

  it('a temporary table', async () => {
    const other = await test.client()
    await other.query('create temp table scratch (id int)')
    const { rows } = await other.query<{ name: string }>(
      'select nspname as name from pg_namespace where oid = pg_my_temp_schema()',
    )
    const before = await everything(test.database)
    const told = await refused(create(`select * from ${rows[0]?.name}.scratch`))
    expect(told).toMatchObject({ exitCode: EXIT.failed, code: 'TEMPORARY_SOURCE' })
    expect(await everything(test.database)).toEqual(before)
  })

  it('a name that is taken, by a table or by a stream table', async () => {
    await test.database.query(sql`create table taken (id int)`)
    expect((await freshet(create('select id from orders', 'twice'), { DATABASE_URL: test.url })).exitCode).toBe(
      EXIT.done,
    )
    const before = await everything(test.database)
    for (const name of ['taken', 'twice', 'public.twice', 'orders']) {
      expect(await refused(create('select id from orders', name))).toMatchObject({ code: 'DUPLICATE_NAME' })
    }
    expect(await everything(test.database)).toEqual(before)
  })

  it('a name that is none', async () => {
    const before = await everything(test.database)
    const query = 'select id from orders'
    expect(await refused(create(query, 'a.b.c'))).toMatchObject({ code: 'INVALID_NAME' })
    expect(await refused(create(query, '"open'))).toMatchObject({ code: 'INVALID_NAME' })
    expect(await refused(create(query, 'x'.repeat(64)))).toMatchObject({ code: 'NAME_TOO_LONG' })
    expect(await everything(test.database)).toEqual(before)
  })

  it('a schedule that is none', async () => {
    const before = await everything(test.database)
    const told = await refused([...create('select id from orders'), '--schedule', 'sometimes'])
    expect(told).toMatchObject({ exitCode: EXIT.failed, code: 'INVALID_SCHEDULE' })
    expect(await everything(test.database)).toEqual(before)
  })

  it('a source that the role may not read, or may read but not capture', async () => {
    const role = `${test.name}_reader`
    const run = (text: string) => test.database.query({ text, values: [] })
    await run('create table private (id int primary key)')
    await run(`create role ${role} login password 'reader'`)
    test.defer(async () => {
      await run(`drop owned by ${role}`)
      await run(`drop role ${role}`)
    })
    for (const schema of ['freshet', 'freshet_changes', 'public']) {
      await run(`grant all on schema ${schema} to ${role}`)
    }
    await run(`grant all on all tables in schema freshet to ${role}`)
    await run(`grant all on all sequences in schema freshet to ${role}`)
    const url = new URL(test.url)
    url.username = role
    url.password = 'reader'
    const before = await everything(test.database)
    for (const grant of ['select', 'select, insert, update, delete']) {
      const told = await refused(create('select id from private'), url.toString())
      expect(told).toMatchObject({ exitCode: EXIT.failed, code: 'INSUFFICIENT_PRIVILEGE' })
      expect(told.message).toContain('private')
      expect(await everything(test.database)).toEqual(before)
      await run(`grant ${grant} on private to ${role}`)
    }
    expect(await refused(create('select id from private'), url.toString())).toMatchObject({
      code: 'INSUFFICIENT_PRIVILEGE',
    })
    expect(await everything(test.database)).toEqual(before)
  })
})

describe('a server or database that can not be used', () => {
  it('nobody answers', async () => {
    const told = await refused(['list'], 'postgresql://me@127.0.0.1:1/x')
    expect(told).toMatchObject({ exitCode: EXIT.failed, code: 'CONNECTION_REFUSED' })
  })

  it('a wrong password, and it is not repeated', async () => {
    const url = new URL(test.url)
    url.password = 'wrong-secret'
    const told = await refused(['list'], url.toString())
    expect(told).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect(JSON.stringify(told)).not.toContain('wrong-secret')
  })

  it('no such database', async () => {
    const url = new URL(test.url)
    url.pathname = '/nowhere'
    expect(await refused(['list'], url.toString())).toMatchObject({ code: 'UNKNOWN_DATABASE' })
  })

  it('a database without Freshet', async () => {
    await using bare = await createTestDatabase({ migrated: false })
    for (const words of [['list'], ['status'], ['refresh', 'x'], ['verify', '--all'], create('select 1 as a')]) {
      const told = await refused(words, bare.url)
      expect(told).toMatchObject({ exitCode: EXIT.failed, code: 'NOT_INSTALLED' })
      expect(told.hint).toContain('freshet init')
    }
  })

  it('a schema from a newer Freshet', async () => {
    await using newer = await createTestDatabase()
    await newer.database.query(sql`insert into freshet.migration (number, name, breaking) values (999, 'later', true)`)
    for (const words of [['list'], ['init'], create('select 1 as a')]) {
      expect(await refused(words, newer.url)).toMatchObject({ exitCode: EXIT.failed, code: 'SCHEMA_NEWER' })
    }
  })
})

describe('a stream table that', () => {
  it('does not exist', async () => {
    for (const words of [
      ['refresh', 'nowhere'],
      ['verify', 'nowhere'],
      ['drop', 'nowhere'],
      ['alter', 'nowhere', '--schedule', '1s'],
      ['pause', 'nowhere'],
      ['resume', 'nowhere'],
      ['status', 'nowhere'],
      ['history', 'nowhere'],
      ['explain', 'nowhere'],
    ]) {
      expect(await refused(words)).toMatchObject({ exitCode: EXIT.failed, code: 'UNKNOWN_STREAM_TABLE' })
    }
  })

  it('is read by another can not be dropped without it', async () => {
    const env = { DATABASE_URL: test.url }
    expect((await freshet(create('select id, amount from orders', 'lower'), env)).exitCode).toBe(EXIT.done)
    expect((await freshet(create('select id from lower', 'upper'), env)).exitCode).toBe(EXIT.done)
    expect(await refused(['drop', 'lower'])).toMatchObject({ code: 'HAS_DEPENDENTS' })
    const dropped = await freshet(['drop', 'lower', '--cascade', '--json'], env)
    expect(JSON.parse(dropped.out)).toEqual({ dropped: expect.arrayContaining(['public.lower', 'public.upper']) as [] })
  })

  it('is written to by a user refuses', async () => {
    const env = { DATABASE_URL: test.url }
    expect((await freshet(create('select id, customer from orders', 'guarded'), env)).exitCode).toBe(EXIT.done)
    for (const statement of [
      sql`insert into guarded values (1000, 'x')`,
      sql`update guarded set customer = 'x'`,
      sql`delete from guarded`,
      sql`truncate guarded`,
    ]) {
      const write = test.database.query(statement)
      await expect(write).rejects.toMatchObject({
        code: 'STREAM_TABLE_WRITE',
        hint: expect.stringMatching(/./) as string,
      })
    }
    expect((await freshet(['verify', 'guarded'], env)).exitCode).toBe(EXIT.done)
  })

  it('lost its source says so', async () => {
    const env = { DATABASE_URL: test.url }
    await test.database.query(sql`create table passing (id int primary key)`)
    expect((await freshet(create('select id from passing', 'orphan'), env)).exitCode).toBe(EXIT.done)
    await test.database.query(sql`drop table passing cascade`)
    for (const words of [
      ['refresh', 'orphan'],
      ['refresh', 'orphan', '--full'],
      ['verify', 'orphan'],
    ]) {
      expect(await refused(words)).toMatchObject({ exitCode: EXIT.failed, code: 'SOURCE_DROPPED' })
    }
    const doctor = await freshet(['doctor', '--json'], env)
    expect(doctor.exitCode).toBe(EXIT.failed)
    expect(doctor.out).toContain('passing')
    expect((await freshet(['drop', 'orphan'], env)).exitCode).toBe(EXIT.done)
  })
})
