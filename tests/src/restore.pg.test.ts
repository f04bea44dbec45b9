import { execFile, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'
import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { describe, expect, onTestFinished, test } from 'vitest'

/**
 * Stream tables in another database than the one in which they were made: they come back, and converge. Restored by
 * `pg_dump`, where there is one of the server's version (it is said where there is none); and by hand, table by table,
 * with other OIDs, which needs no program.
 */
const SOURCES = `create table kinds (kind text primary key, name text);
  create table items (id int, kind text, n int) partition by range (id);
  create table items_a partition of items for values from (0) to (100);
  create table items_b partition of items for values from (100) to (1000);
  create table "Ünï; ""x"""" --" (id int primary key, note text);
  insert into kinds select 'k' || i, 'kind ' || i % 2 from generate_series(0, 3) i;
  insert into items select i, 'k' || i % 4, i from generate_series(1, 200) i;
  insert into "Ünï; ""x"""" --" select i, 'n' || i % 3 from generate_series(1, 20) i`

const STREAMS: Readonly<Record<string, readonly [query: string, mode: 'differential' | 'immediate' | 'full']>> = {
  sums: [
    'select s % 7 as s, count(*) as kinds from (select kind, sum(n) as s from items group by kind) as q group by s % 7',
    'differential',
  ],
  named: ['select i.id, k.name from items i join kinds k on k.kind = i.kind', 'differential'],
  bag: ['select note from "Ünï; ""x"""" --"', 'differential'],
  above: ['select max(s) as m from sums', 'differential'],
  at_once: ['select kind, count(*) as c from items group by kind', 'immediate'],
  whole: ['select kind from kinds', 'full'],
}

const WRITES = [
  `insert into items values (300, 'k1', 7); delete from items where id = 5; update kinds set name = 'new' where kind = 'k2'`,
  `insert into items values (301, 'k3', 7); insert into "Ünï; ""x"""" --" values (99, 'n1'); update items set n = n + 1 where id > 150`,
  `insert into items values (302, 'k3', 9); delete from "Ünï; ""x"""" --" where id < 5; delete from kinds where kind = 'k0'`,
] as const

interface Place {
  readonly own: TestDatabase
  readonly freshet: Freshet
  readonly run: (script: string) => Promise<void>
}

async function place(serverUrl?: string): Promise<Place> {
  const own = await createTestDatabase({ migrated: false, ...(serverUrl === undefined ? {} : { serverUrl }) })
  onTestFinished(() => own.drop())
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  return { own, freshet, run: async (script) => void (await own.database.query(raw(script))) }
}

/** Stream tables with changes that are not applied yet. */
async function build({ freshet, run }: Place): Promise<void> {
  await freshet.init()
  await run(SOURCES)
  for (const [name, [query, mode]] of Object.entries(STREAMS))
    await freshet.create({ name, query, mode, schedule: 'manual' })
  await run(WRITES[0])
}

async function follow({ own, freshet }: Place): Promise<Record<string, string>> {
  const how: Record<string, string> = {}
  for (const [name, [query]] of Object.entries(STREAMS)) {
    const { action, reason } = await freshet.refresh(name)
    how[name] = reason ?? action
    await assertEqualToQuery(own.database, name, query)
  }
  return how
}

/** What must hold after every kind of restore: written to before anybody looks, then refreshed, then followed by deltas. */
async function converges(there: Place, reason: string | null): Promise<void> {
  await there.run(WRITES[1])
  const how = await follow(there)
  if (reason !== null) expect(how).toMatchObject({ sums: reason, named: reason, bag: reason })
  await follow(there)
  expect(await there.freshet.repair()).toEqual({ repaired: [], failed: [] })
  expect((await there.freshet.doctor()).filter(({ level }) => level === 'error')).toEqual([])
  await there.run(WRITES[2])
  expect(await follow(there)).toMatchObject({
    sums: 'differential',
    named: 'differential',
    bag: 'differential',
    at_once: 'none',
  })
  await expect(there.run('delete from sums')).rejects.toMatchObject({ code: 'STREAM_TABLE_WRITE' })
}

describe('restored by hand, with other OIDs', () => {
  test.each([
    ['of another cluster', `'system:1:1'`],
    ['of the same cluster', `(select 'system:' || system_identifier || ':1' from pg_control_system())`],
  ])('a catalog %s, without buffers, triggers and guards', async (_, identity) => {
    const here = await place()
    await build(here)
    const there = await place()
    await there.freshet.init()
    // as many relations in the way as the others had, so that old OIDs are other relations here
    await there.run(
      `do $$ begin for i in 1..200 loop execute format('create table in_the_way_%s (id int, kind text, n int)', i); end loop; end $$`,
    )
    await there.run(SOURCES)
    await there.run(WRITES[0])
    const tables = await here.own.database.query<{ create: string }>(
      raw(
        `select t ->> 'create' as create from freshet.stream_table s cross join jsonb_array_elements(s.plan -> 'tables') t order by stream_table_id`,
      ),
    )
    for (const { create } of tables) await there.run(create)
    for (const table of ['source', 'stream_table', 'stream_table_state', 'dependency']) {
      const [row] = await here.own.database.query<{ rows: unknown; columns: string }>(
        raw(`select coalesce(json_agg(t), '[]') as rows, (
            select string_agg(quote_ident(attname), ', ') from pg_attribute
            where attrelid = 'freshet.${table}'::regclass and attnum > 0 and not attisdropped and attgenerated = ''
          ) as columns
          from freshet.${table} t`),
      )
      await there.own.database.query({
        text: `insert into freshet.${table} (${row?.columns}) overriding system value
          select ${row?.columns} from json_populate_recordset(null::freshet.${table}, $1)`,
        values: [JSON.stringify(row?.rows)],
      })
    }
    await there.run(`update freshet.installation set system_identifier = ${identity}`)
    expect(await there.freshet.doctor()).toContainEqual(expect.objectContaining({ subject: 'cluster', level: 'error' }))
    const { repaired, failed } = await there.freshet.repair()
    expect(failed).toEqual([])
    expect(repaired.map(({ message }) => message).join()).toMatch(/freshet_guard.*buffer missing/)
    await converges(there, null)
  })
})

/** A second server of the same version; without one, the first one's dump says that it comes from elsewhere. */
const OTHER = process.env['FRESHET_TEST_OTHER_DATABASE_URL']

const server = () => {
  const found = spawnSync('pg_dump', ['--version'], { encoding: 'utf8' })
  return found.status === 0 ? Number(/\d+/.exec(found.stdout)?.[0]) : null
}

describe('restored by pg_dump', () => {
  test.each([
    [
      'from another cluster',
      OTHER === undefined ? `update freshet.installation set system_identifier = 'system:1:1'` : 'select 1',
      OTHER,
    ],
    ['from the same cluster', 'select 1', undefined],
  ])('%s', async (_, before, other) => {
    const here = await place()
    const [version] = await here.own.database.query<{ major: number }>(
      raw(`select current_setting('server_version_num')::int / 10000 as major`),
    )
    const program = server()
    if (program === null || program < (version?.major ?? 0)) {
      process.stderr.write(
        `NOT TESTED: a restore by pg_dump; there is ${program === null ? 'none' : `one of version ${program}`}, the server has ${version?.major}\n`,
      )
      return
    }
    await build(here)
    const there = await place(other)
    await here.run(before)
    const run = promisify(execFile)
    const { stdout } = await run('pg_dump', ['--no-owner', here.own.url], { maxBuffer: 1 << 28 })
    // relations in the way: the restored ones get other OIDs
    await there.run(
      `do $$ begin for i in 1..200 loop execute format('create table in_the_way_%s (id int)', i); end loop; end $$`,
    )
    const psql = run('psql', ['--quiet', '--set', 'ON_ERROR_STOP=1', there.own.url], { maxBuffer: 1 << 28 })
    psql.child.stdin?.end(stdout)
    await psql
    await converges(there, 'cluster_changed')
  })
})
