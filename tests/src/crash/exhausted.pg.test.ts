import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chown, mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect, type Freshet } from '@freshet/client'
import { connect as connectDatabase, raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { faultLink } from './fault-link.ts'
import { inventory } from './inventory.ts'

/** Real limits of a server that are met in the middle of something: time, temporary files, the disk. */
const COPY = 'select id, filling from wide'
const SORTED = 'select filling, count(*) as n from wide group by filling'

let own: TestDatabase
let freshet: Freshet
beforeEach(async () => {
  own = await createTestDatabase()
  await own.database.query(raw('create table wide (id int primary key, filling text)'))
  freshet = await connect(own.url)
  own.defer(() => freshet.close())
})
afterEach(() => own.drop())

const run = async (text: string) => void (await own.database.query(raw(text)))
const fill = (from: number, to: number) =>
  run(`insert into wide select i, repeat(md5(i::text), 8) from generate_series(${from}, ${to}) i`)

/** New connections of Freshet have the setting. */
async function setting(text: string): Promise<void> {
  await run(`alter database ${own.name} ${text}`)
  await freshet.close()
  freshet = await connect(own.url)
}

test('a commit that is canceled before it begins: the connection is not lent in the middle of a transaction', async () => {
  await using link = await faultLink(own.url)
  const database = await connectDatabase({ url: link.url, poolSize: 1 })
  own.defer(() => database.close())
  const insert = raw('insert into wide select coalesce(max(id), 0) + 1 from wide')
  for (const work of [
    () => database.batch([insert, insert]),
    () => database.transaction((transaction) => transaction.query(insert)),
  ]) {
    link.listen({
      at: (label) => label.startsWith('commit'),
      side: 'before',
      strike: () => Promise.resolve({ text: `do $$ begin raise exception 'canceled' using errcode = '57014'; end $$` }),
    })
    await expect(work()).rejects.toMatchObject({ sqlState: '57014' })
    link.listen()
    expect(await database.query(raw('select id from wide'))).toEqual([])
  }
})

test('statement_timeout, in a creation and in a refresh: nothing is left, nothing has moved', async () => {
  await fill(1, 100)
  // sooner than Freshet gives way by itself
  await setting(`set statement_timeout = '150ms'`)
  const holder = await own.client()
  await holder.query(`set statement_timeout = 0`)
  const before = await inventory(own.database)
  await holder.query('begin; lock table wide in access exclusive mode')
  await expect(freshet.create({ name: 'copy', query: COPY })).rejects.toMatchObject({ retry: 'retry' })
  await holder.query('commit')
  await setting('reset statement_timeout')
  expect(await inventory(own.database)).toEqual(before)

  await freshet.create({ name: 'copy', query: COPY, mode: 'differential', schedule: 'manual' })
  await fill(101, 200)
  await holder.query('begin; lock table copy in access exclusive mode')
  await setting(`set statement_timeout = '150ms'`)
  await expect(freshet.refresh('copy')).rejects.toMatchObject({ code: 'STATEMENT_CANCELED', sqlState: '57014' })
  await expect(freshet.refresh('copy', { full: true })).rejects.toMatchObject({ code: 'STATEMENT_CANCELED' })
  await holder.query('commit')
  await setting('reset statement_timeout')
  await settled()
})

test('temp_file_limit, in a creation and in a refresh', async () => {
  await fill(1, 30_000)
  await setting(`set temp_file_limit = '64kB'`)
  await run(`alter database ${own.name} set work_mem = '64kB'; alter database ${own.name} set enable_hashagg = off`)
  await setting(`set max_parallel_workers_per_gather = 0`)
  const before = await inventory(own.database)
  await expect(freshet.create({ name: 'sorted', query: SORTED })).rejects.toMatchObject({ sqlState: '53400' })
  expect(await inventory(own.database)).toEqual(before)
  await setting('reset temp_file_limit')
  await freshet.create({ name: 'sorted', query: SORTED })
  await assertEqualToQuery(own.database, 'sorted', SORTED)
  await freshet.drop('sorted')
})

test('the disk is full, in a creation and in a refresh', async ({ skip }) => {
  await using disk = await smallDisk(own)
  if (disk === null) return skip('no disk can be mounted here: it takes root, and a server of this machine')
  await fill(1, 60_000)
  await setting(`set default_tablespace = ${disk.tablespace}`)
  const before = await inventory(own.database)
  await expect(freshet.create({ name: 'copy', query: COPY })).rejects.toMatchObject({
    code: 'SERVER_OVERLOADED',
    sqlState: '53100',
  })
  expect(await inventory(own.database)).toEqual(before)

  await run('truncate wide')
  await fill(1, 100)
  await freshet.create({ name: 'copy', query: COPY, mode: 'differential', schedule: 'manual' })
  await fill(101, 15_000)
  // what is left of the disk is taken by somebody else
  await run(`create table filler (a text) tablespace ${disk.tablespace}`)
  const more = own.database.query(
    raw(
      `do $$ begin loop insert into filler select repeat(md5(i::text), 8) from generate_series(1, 500) i; commit; end loop; end $$`,
    ),
  )
  await expect(more).rejects.toMatchObject({ sqlState: '53100' })
  await expect(freshet.refresh('copy')).rejects.toMatchObject({ code: 'SERVER_OVERLOADED', sqlState: '53100' })
  await expect(freshet.refresh('copy', { full: true })).rejects.toMatchObject({ sqlState: '53100' })
  await run('drop table filler')
  await settled()
  await run(`drop table wide; alter database ${own.name} reset default_tablespace`)
})

async function settled(): Promise<void> {
  await freshet.refresh('copy')
  expect(await freshet.verify('copy')).toMatchObject({ equal: true })
  await assertEqualToQuery(own.database, 'copy', COPY)
  await freshet.drop('copy')
}

/** A tablespace of a few megabytes; null where none can be made. */
async function smallDisk(test: TestDatabase): Promise<(AsyncDisposable & { readonly tablespace: string }) | null> {
  const [row] = await test.database.query<{ directory: string }>(
    raw(`select current_setting('data_directory') as directory`),
  )
  // the server's, where it runs here
  if (userInfo().uid !== 0 || !existsSync(row?.directory ?? '')) return null
  const owner = await stat(row?.directory ?? '')
  const directory = await mkdtemp(join(tmpdir(), 'freshet-disk-'))
  const command = promisify(execFile)
  const mounted = await command('mount', ['-t', 'tmpfs', '-o', 'size=16m', 'tmpfs', directory]).then(
    () => true,
    () => false,
  )
  if (!mounted) {
    await rm(directory, { recursive: true })
    return null
  }
  await chown(directory, owner.uid, owner.gid)
  const tablespace = `${test.name}_disk`
  await test.database.query(raw(`create tablespace ${tablespace} location '${directory}'`))
  return {
    tablespace,
    async [Symbol.asyncDispose]() {
      await test.database.query(raw(`drop tablespace ${tablespace}`))
      await command('umount', [directory])
      await rm(directory, { recursive: true })
    },
  }
}
