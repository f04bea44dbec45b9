import { setTimeout as sleep } from 'node:timers/promises'
import { parseLsn } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication'
import { expect, test } from 'vitest'

/**
 * Why the stream is not carried by pg-logical-replication (decision 12), with its own confirmations off. Told that
 * everything before a position is durable, it reports one byte more; and where a commit record begins at that position,
 * the server takes the transaction for confirmed that the receiver has yet to see.
 */
const SAFE = { acknowledge: { auto: false, timeoutSeconds: 0 } } as const

interface Seen {
  readonly id: number
  /** Of the commit record. */
  readonly begins: bigint
  readonly ends: bigint
}

/** What the slot has, transaction by transaction, until one has this id. `acknowledge`: confirm up to the end of this one. */
async function read(url: string, until: number, acknowledge?: number): Promise<Seen[]> {
  const service = new LogicalReplicationService({ connectionString: url }, SAFE)
  const seen: Seen[] = []
  let ids: number[] = []
  const plugin = new PgoutputPlugin({ protoVersion: 1, publicationNames: ['library'] })
  await new Promise<void>((resolve, reject) => {
    service.on('error', reject)
    service.on('data', (_lsn: string, message: Pgoutput.Message) => {
      if (message.tag === 'insert') ids.push(Number(message.new['id']))
      if (message.tag !== 'commit') return
      const [id = 0] = ids
      ids = []
      seen.push({ id, begins: parseLsn(message.commitLsn ?? ''), ends: parseLsn(message.commitEndLsn ?? '') })
      if (id === acknowledge) void service.acknowledge(message.commitEndLsn ?? '').catch(reject)
      if (id === until) resolve()
    })
    service.subscribe(plugin, 'freshet_library').catch(reject)
  })
  if (acknowledge !== undefined) await sleep(200)
  await service.destroy()
  return seen
}

/** Two open transactions that commit one right after the other, so that between their commit records there is nothing. */
async function commitTogether(database: TestDatabase, first: number): Promise<void> {
  const [a, b] = [await database.client(), await database.client()]
  await a.query(`set synchronous_commit = off; begin; insert into t values (${first})`)
  await b.query(`set synchronous_commit = off; begin; insert into t values (${first + 1})`)
  await Promise.all([a.query('commit'), b.query('commit')])
  await Promise.all([a.end(), b.end()])
}

test('the library confirms a byte more than it was told, and a transaction is never sent again', async () => {
  await using database = await createTestDatabase()
  const client = await database.client()
  await client.query('create table t (id int); create publication library for table t')
  await client.query(`select pg_create_logical_replication_slot('freshet_library', 'pgoutput')`)
  database.defer(async () => {
    // the server may not have noticed yet that its reader is gone
    await client.query(
      `select pg_terminate_backend(active_pid, 10000) from pg_replication_slots where slot_name = 'freshet_library' and active`,
    )
    await client.query(`select pg_drop_replication_slot('freshet_library')`)
  })
  for (let id = 1; id < 40; id += 2) await commitTogether(database, id)
  await client.query('insert into t values (1000)')
  const all = await read(database.url, 1_000)
  const next = all.find(({ begins }, i) => i > 0 && all[i - 1]?.ends === begins)
  const last = next && all[all.indexOf(next) - 1]
  if (!next || !last) throw new Error('no two commit records lie next to each other')

  // read in full, confirmed up to the first of the two: the other, and all after it, are still to be applied
  await read(database.url, 1_000, last.id)
  const { rows } = await client.query<{ confirmed: string }>(
    `select confirmed_flush_lsn::text as confirmed from pg_replication_slots where slot_name = 'freshet_library'`,
  )
  expect(parseLsn(rows[0]?.confirmed ?? '')).toBe(last.ends + 1n)
  const again = await read(database.url, 1_000)
  expect(again.map(({ id }) => id)).not.toContain(next.id)
  expect(again.map(({ id }) => id)).toEqual(all.slice(all.indexOf(next) + 1).map(({ id }) => id))
})
