import { connect, type Freshet } from '@freshet/client'
import { startCoordinator, systemClock } from '@freshet/coordinator'
import { type Database, raw, rolesScript } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** Each role of `freshet roles` can do its part and nothing else. Its names are hard to quote. */
const QUERY = 'select kind, sum(n) as s, count(*) as c from shop.items group by kind'
const JOIN = 'select i.id, k.name from shop.items i join shop.kinds k on k.kind = i.kind'

let own: TestDatabase
let prefix: string
let owner: Freshet
let refresher: Freshet
const databases: Record<'reader' | 'writer', Database> = {} as never

const role = (name: string) => `${prefix}_${name}`
const quoted = (name: string) => `"${role(name).replaceAll('"', '""')}"`

async function as(name: string): Promise<Freshet> {
  const url = new URL(own.url)
  url.username = encodeURIComponent(role(name))
  url.password = 'secret'
  const freshet = await connect(url.toString())
  own.defer(() => freshet.close())
  return freshet
}

const script = () => rolesScript({ prefix, database: own.name, schemas: ['shop'] })
const run = async (text: string) => void (await own.database.query(raw(text)))

beforeAll(async () => {
  own = await createTestDatabase({ migrated: false })
  prefix = `r"%s$freshet$ ' ${own.name.slice(-12)}`
  await run(`create schema shop; create table shop.kinds (kind text primary key, name text);
    create table shop.items (id int primary key, kind text, n int);
    insert into shop.kinds select 'k' || i, 'kind ' || i from generate_series(0, 3) i;
    insert into shop.items select i, 'k' || i % 4, i from generate_series(1, 40) i;
    revoke all on database ${own.name} from public`)
  await run(script())
  const names = ['owner', 'refresher', 'reader', 'writer']
  own.defer(async () => {
    await run(names.map((name) => `drop owned by ${quoted(name)} cascade; drop role ${quoted(name)}`).join(';'))
  })
  for (const name of names)
    await run(`alter role ${quoted(name)} password 'secret'; grant connect on database ${own.name} to ${quoted(name)}`)
  owner = await as('owner')
  await owner.init()
  await run(script())
  await owner.create({ name: 'shop.sums', query: QUERY, schedule: 'live', mode: 'differential' })
  await owner.create({ name: 'shop.named', query: JOIN, schedule: 'live', mode: 'differential' })
  await owner.create({
    name: 'shop.above',
    query: 'select max(s) as m from shop.sums',
    schedule: 'live',
    mode: 'differential',
  })
  refresher = await as('refresher')
  databases.reader = (await as('reader')).database
  databases.writer = (await as('writer')).database
})
afterAll(() => own.drop())

const compare = async () => {
  await assertEqualToQuery(own.database, 'shop.sums', QUERY)
  await assertEqualToQuery(own.database, 'shop.named', JOIN)
  await assertEqualToQuery(own.database, 'shop.above', 'select max(s) as m from shop.sums')
}
const denied = { code: 'INSUFFICIENT_PRIVILEGE' }

test('the writer writes to sources, and its changes are captured', async () => {
  await databases.writer.query(raw(`insert into shop.items values (100, 'k1', 5)`))
  await databases.writer.query(raw(`update shop.items set n = n + 1; delete from shop.kinds where kind = 'k3'`))
})

test('the refresher refreshes, in part and in full, verifies, and cleans up', async () => {
  for (const name of ['shop.sums', 'shop.named', 'shop.above']) {
    expect(await refresher.refresh(name)).toMatchObject({ action: 'differential' })
    expect(await refresher.refresh(name, { full: true })).toMatchObject({ action: 'full' })
    expect(await refresher.verify(name)).toMatchObject({ equal: true })
  }
  await compare()
  expect(await refresher.status()).toHaveLength(3)
  const [left] = await own.database.query<{ rows: number }>(
    raw(`select count(*)::int as rows from freshet_changes.changes_${await stableName('items')}`),
  )
  expect(left?.rows).toBe(0)
})

const stableName = async (table: string) => {
  const [row] = await own.database.query<{ name: string }>(
    raw(`select freshet.stable_name('shop', '${table}') as name`),
  )
  return row?.name ?? ''
}

test('the refresher runs a scheduler, and all of its upkeep', async () => {
  const failures: unknown[] = []
  const coordinator = startCoordinator({
    database: refresher.database,
    refresher: refresher.refresher,
    capture: refresher.capture,
    // no task waits for its turn
    clock: { ...systemClock, random: () => 0 },
    listener: (event) => {
      if (event.kind === 'failed' || event.kind === 'upkeep_failed' || event.kind === 'suspended') failures.push(event)
    },
  })
  await databases.writer.query(
    raw(`insert into shop.items values (101, 'k2', 50); insert into shop.kinds values ('k3', 'again')`),
  )
  for (const end = performance.now() + 20_000; performance.now() < end; await sleep(10)) {
    const rows = await own.database.query(raw(`select from shop.sums where kind = 'k2' and c = 11`))
    if (rows.length > 0) break
  }
  await sleep(200)
  await coordinator.drain()
  expect(failures).toEqual([])
  await refresher.database.query(raw('update freshet.source set gate = gate'))
  for (const name of ['shop.sums', 'shop.named', 'shop.above']) await refresher.refresh(name)
  await compare()
})

describe('the refresher can not', () => {
  test.each<[string, (freshet: Freshet) => Promise<unknown>]>([
    ['create', (freshet) => freshet.create({ name: 'shop.other', query: QUERY })],
    ['alter', (freshet) => freshet.alter('shop.sums', { schedule: '1s' })],
    ['change a query', (freshet) => freshet.alter('shop.above', { query: 'select 1 as m' })],
    ['drop', (freshet) => freshet.drop('shop.above')],
    ['pause capture', (freshet) => freshet.pauseCapture({ kind: 'source', name: 'shop.items' })],
    ['set a setting', (freshet) => freshet.pauseCapture({ kind: 'capture' })],
    ['write to a source', (freshet) => freshet.database.query(raw('delete from shop.items'))],
    ['forge a definition', (freshet) => freshet.database.query(raw(`update freshet.stream_table set query = ''`))],
    ['record a source', (freshet) => freshet.database.query(raw('delete from freshet.source'))],
    ['pause a source by hand', (freshet) => freshet.database.query(raw('update freshet.source set paused = true'))],
    ['take away a guard', (freshet) => freshet.database.query(raw('drop trigger freshet_guard on shop.sums'))],
    ['make a schema', (freshet) => freshet.database.query(raw('create schema mine'))],
  ])('%s', async (_, work) => {
    await expect(work(refresher)).rejects.toMatchObject(denied)
  })
})

describe('reader and writer can not', () => {
  const both = ['reader', 'writer'] as const
  test.each([
    'delete from shop.sums',
    'select * from freshet.stream_table',
    'update freshet.stream_table_state set version = 0',
    `set freshet.apply = on; delete from shop.sums`,
    'create table shop.mine (a int)',
    'create schema mine',
  ])('%s', async (statement) => {
    for (const name of both) await expect(databases[name].query(raw(statement)), name).rejects.toMatchObject(denied)
  })

  test('each other’s part, or see what is captured', async () => {
    const items = await stableName('items')
    expect(await databases.reader.query(raw('select kind from shop.sums'))).toHaveLength(4)
    for (const statement of ['select from shop.items', `insert into shop.items values (1000, 'k1', 1)`])
      await expect(databases.reader.query(raw(statement))).rejects.toMatchObject(denied)
    await expect(databases.writer.query(raw('select from shop.sums'))).rejects.toMatchObject(denied)
    for (const name of both)
      for (const what of [
        `select from freshet_changes.changes_${items}`,
        `insert into freshet_changes.pack_${items} default values`,
      ])
        await expect(databases[name].query(raw(what))).rejects.toMatchObject(denied)
  })
})

test('the owner does the rest', async () => {
  await owner.alter('shop.sums', { schedule: '1s' })
  await owner.pauseCapture({ kind: 'source', name: 'shop.items' })
  await owner.resumeCapture({ kind: 'source', name: 'shop.items' })
  expect(await owner.repair()).toEqual({ repaired: [], failed: [] })
  await owner.create({ name: 'shop.later', query: JOIN })
  expect(await databases.reader.query(raw('select from shop.later'))).not.toEqual([])
  await databases.writer.query(raw(`insert into shop.items values (200, 'k1', 5)`))
  expect(await refresher.refresh('shop.later')).toMatchObject({ rowsInserted: 1 })
  await owner.drop('shop.later')
  await expect(owner.database.query(raw(`insert into shop.items values (999, 'k1', 5)`))).rejects.toMatchObject(denied)
})

describe('row-level security', () => {
  const secure = (more = '') => run(`alter table shop.kinds enable row level security; ${more}`)
  test('of a source that applies to Freshet’s role is refused at creation, in every mode', async () => {
    await secure(`create policy few on shop.kinds using (kind <> 'k1')`)
    for (const mode of ['auto', 'differential', 'full', 'immediate'] as const)
      await expect(
        owner.create({ name: 'shop.seen', query: 'select kind from shop.kinds', mode }),
      ).rejects.toMatchObject({
        code: 'ROW_SECURITY',
        hint: expect.stringContaining('bypassrls') as string,
      })
  })

  test('that comes later is an error, never a smaller answer; doctor tells', async () => {
    await databases.writer.query(raw(`insert into shop.items values (300, 'k1', 5)`))
    await expect(refresher.refresh('shop.named', { full: true })).rejects.toMatchObject(denied)
    await expect(refresher.verify('shop.named')).rejects.toMatchObject(denied)
    expect(await refresher.doctor()).toContainEqual(expect.objectContaining({ level: 'error', subject: 'shop.kinds' }))
    await expect(compare()).rejects.toThrow(/not what its query says/)
    for (const name of ['owner', 'refresher']) await run(`alter role ${quoted(name)} bypassrls`)
    await refresher.refresh('shop.named', { full: true })
    for (const name of ['shop.sums', 'shop.above']) await refresher.refresh(name)
    await compare()
    await run('alter table shop.kinds disable row level security')
  })

  test('of a stream table says what its readers see', async () => {
    await owner.database.query(
      raw(
        `alter table shop.sums enable row level security; create policy mine on shop.sums for select to ${quoted('reader')} using (kind = 'k1')`,
      ),
    )
    expect(await databases.reader.query(raw('select kind from shop.sums'))).toEqual([{ kind: 'k1' }])
    await databases.writer.query(raw(`insert into shop.items values (301, 'k0', 5), (302, 'k1', 5)`))
    await refresher.refresh('shop.sums')
    expect(await refresher.verify('shop.sums')).toMatchObject({ equal: true })
    for (const name of ['shop.named', 'shop.above']) await refresher.refresh(name)
    await compare()
  })
})
