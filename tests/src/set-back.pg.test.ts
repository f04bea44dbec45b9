import { execFile } from 'node:child_process'
import { chmod, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, type RestartableServer, startRestartableServer } from '@freshet/testkit'
import { expect, onTestFinished, test } from 'vitest'

/**
 * The same cluster, but earlier: restored to a point in time, or a standby promoted that had not seen everything. Its
 * catalog, buffers and tables went back together and fit each other. What does not is the memory of a process that lives
 * on: transactions are numbered once more from there, with other changes.
 */
const STREAMS = {
  sums: 'select kind, sum(n) as s, count(*) as c from items group by kind',
  joined: 'select i.id, k.name from items i join kinds k on k.kind = i.kind',
  above: 'select max(s) as m from sums',
} as const

interface World {
  readonly server: RestartableServer
  /** It lives on, whatever happens to the server. */
  readonly freshet: Freshet
  readonly run: (freshet: Freshet, script: string) => Promise<void>
  readonly expectEqual: (freshet: Freshet) => Promise<void>
}

async function build(server: RestartableServer): Promise<World> {
  const freshet = await connect(server.url)
  onTestFinished(() => freshet.close())
  const run = async (through: Freshet, script: string) => void (await through.database.query(raw(script)))
  await freshet.init()
  await run(
    freshet,
    `create table kinds (kind text primary key, name text);
    create table items (id int primary key, kind text, n int);
    insert into kinds select 'k' || i, 'kind ' || i from generate_series(0, 3) i;
    insert into items select i, 'k' || i % 4, i from generate_series(1, 200) i`,
  )
  for (const [name, query] of Object.entries(STREAMS))
    await freshet.create({ name, query, mode: 'differential', schedule: 'manual' })
  // it is never refreshed, and so keeps the changes that the others have seen
  await freshet.create({ name: 'slow', query: 'select count(*) as c from items, kinds', schedule: 'manual' })
  const expectEqual = async (through: Freshet) => {
    for (const [name, query] of Object.entries(STREAMS)) {
      await through.refresh(name)
      await assertEqualToQuery(through.database, name, query)
      expect(await through.verify(name)).toMatchObject({ equal: true })
    }
  }
  return { server, freshet, run, expectEqual }
}

const change = (id: number) =>
  `insert into items values (${id}, 'k1', ${id}); update items set n = n + 1 where id % 20 = 3; delete from items where id = ${id - 900}`

/** What came after `backup` never happened; then as many refreshes as before, over more and other changes. */
async function setBack({ server, freshet, run, expectEqual }: World): Promise<boolean> {
  const backup = `${server.dataDirectory}-backup`
  await expectEqual(freshet)
  await server.stop('fast')
  await promisify(execFile)('cp', ['-a', server.dataDirectory, backup])
  await server.start()
  for (let i = 0; i < 3; i++) {
    await run(freshet, change(1000 + i))
    for (const name of Object.keys(STREAMS)) await freshet.refresh(name)
  }

  await server.stop('fast')
  await rm(server.dataDirectory, { recursive: true })
  await promisify(execFile)('mv', [backup, server.dataDirectory])
  await server.start()
  const other = await connect(server.url)
  for (let i = 0; i < 3; i++) {
    for (let more = 0; more < 10; more++) await run(other, change(1010 + 10 * i + more))
    for (const name of Object.keys(STREAMS)) await other.refresh(name)
  }
  await expectEqual(other)
  await run(other, change(1090))
  await other.close()

  let right = true
  for (const [name, query] of Object.entries(STREAMS)) {
    await freshet.refresh(name)
    const { equal } = await freshet.verify(name)
    if (equal) await assertEqualToQuery(freshet.database, name, query)
    right &&= equal
  }
  return right
}

test('restored to an earlier time, under a process that lives on', async () => {
  await using server = await startRestartableServer()
  expect(await setBack(await build(server))).toBe(true)
})

test('with versions that are counted, that process takes its memory for the truth', async () => {
  await using server = await startRestartableServer()
  const world = await build(server)
  await world.run(
    world.freshet,
    'create or replace function freshet.next_version(version bigint) returns bigint language sql volatile return version + 1',
  )
  expect(await setBack(world)).toBe(false)
})

test('a standby is promoted that has not seen the last changes; then the sources are written to there', async () => {
  await using primary = await startRestartableServer()
  const world = await build(primary)
  await primary.stop('fast')
  const signal = join(primary.dataDirectory, 'standby.signal')
  await writeFile(signal, '')
  await chmod(signal, 0o666)
  const { hostname, username, password } = new URL(primary.url)
  await using standby = await startRestartableServer({
    copyOf: primary.dataDirectory,
    settings: {
      primary_conninfo: `host=${hostname} port=${primary.port} user=${username} password=${password}`,
    },
  })
  await rm(signal)
  await primary.start()
  await world.run(world.freshet, change(1000))
  await world.expectEqual(world.freshet)
  const there = await connect(standby.url)
  onTestFinished(() => there.close())
  await expect
    .poll(() => there.database.query(raw('select id from items where id = 1000')), { timeout: 20_000 })
    .toHaveLength(1)

  await standby.stop('fast')
  await world.run(world.freshet, change(1001))
  await world.expectEqual(world.freshet)
  await primary.stop('kill')
  await standby.start({ primary_conninfo: '' })
  await world.run(there, 'select pg_promote()')
  for (let i = 2; i < 5; i++) {
    await world.run(there, change(1000 + i))
    await world.expectEqual(there)
  }
  expect(await there.database.query(raw('select id from items where id = 1001'))).toHaveLength(0)
})
