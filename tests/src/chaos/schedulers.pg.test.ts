import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { connect } from '@freshet/client'
import { raw, sql } from '@freshet/core'
import {
  assertEqualToQuery,
  createTestDatabase,
  freshSeed,
  type Random,
  random,
  type TestDatabase,
} from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'

/**
 * Three schedulers on one database, killed and frozen (SIGSTOP) at random under load. Every change is read once by every
 * stream table that reads it: none twice, none never; all are equal to their queries; and none waits for who stands still
 * longer than a lease: it stands until all have been refreshed by the others.
 */
const LEASE_MS = 2_000
const SCHEDULERS = 3
const ROUNDS = LONG ? Number(process.env['FRESHET_CHAOS_ROUNDS'] ?? 300) : 5

const TABLES: Readonly<Record<string, readonly [query: string, mode: 'differential' | 'full']>> = {
  kinds: ['select kind, count(*) as n, sum(price) as total from item group by kind', 'differential'],
  lines: ['select i.id, i.price, k.name from item i join kind k on k.kind = i.kind', 'differential'],
  big: ['select kind, n from kinds where n > 3', 'differential'],
  whole: ['select kind, max(price) as most from item group by kind', 'full'],
}

const WRITERS = 2

test(`${SCHEDULERS} schedulers, ${ROUNDS} times killed or frozen`, { timeout: 3_600_000 }, async () => {
  const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
  const chance = random(seed)
  await using own = await createTestDatabase()
  await own.database.query(raw(`alter database ${own.name} set freshet.lease = '${LEASE_MS}ms'`))
  await own.database.query(
    raw(`create table kind (kind int primary key, name text); create table item (id serial primary key, kind int, price int);
      insert into kind select i, 'k' || i from generate_series(0, 9) i`),
  )
  const freshet = await connect(own.url)
  own.defer(() => freshet.close())
  for (const [name, [query, mode]] of Object.entries(TABLES))
    await freshet.create({ name, query, mode, schedule: 'live' })

  const processes: ChildProcess[] = []
  own.defer(async () => {
    await Promise.all(processes.map(kill))
  })
  for (let i = 0; i < SCHEDULERS; i++) processes.push(await start(own))
  const load = startLoad(own, chance.fork())
  let longestMs = 0
  const counts = { killed: 0, frozen: 0, written: 0 }
  for (let round = 0; round < ROUNDS; round++) {
    await sleep(chance.int(50, 400))
    const i = chance.int(0, SCHEDULERS - 1)
    const struck = processes[i]
    if (struck === undefined) continue
    if (chance.chance(0.4)) {
      await kill(struck)
      processes[i] = await start(own)
      counts.killed++
    } else {
      struck.kill('SIGSTOP')
      // it stands until the others have refreshed every table, also one that it was at work on
      longestMs = Math.max(longestMs, await refreshedSince(own))
      await sleep(chance.int(0, LEASE_MS))
      struck.kill('SIGCONT')
      counts.frozen++
    }
  }
  counts.written = await load.stop()
  await settled(own, counts.written)
  await Promise.all(processes.map(dismiss))

  for (const [name, [query]] of Object.entries(TABLES)) {
    await assertEqualToQuery(own.database, name, query)
    expect(await freshet.verify(name), `seed ${seed}`).toMatchObject({ equal: true })
  }
  const read = await own.database.query<{ name: string; rows: number; full: number; failed: string[] }>(
    raw(`select t.table_name as name, sum(h.change_rows) filter (where h.action = 'differential')::int as rows,
        count(*) filter (where h.action = 'full')::int as full,
        coalesce(array_agg(distinct h.error ->> 'code') filter (where h.error is not null), '{}') as failed
      from freshet.refresh_history h join freshet.stream_table t using (stream_table_id) group by 1 order by 1`),
  )
  // as many change rows were read as were written: none twice, none never
  const reads = (name: string) => read.find((entry) => entry.name === name)
  expect(reads('kinds'), `seed ${seed}`).toMatchObject({ rows: counts.written, full: 0 })
  expect(reads('lines'), `seed ${seed}`).toMatchObject({ rows: counts.written, full: 0 })
  expect(reads('big'), `seed ${seed}`).toMatchObject({ full: 0 })
  const [left] = await own.database.query(
    raw(`select count(*) filter (where status <> 'active')::int as lost, max(consecutive_errors)::int as errors
      from freshet.stream_table_state`),
  )
  expect(left, `seed ${seed}`).toEqual({ lost: 0, errors: 0 })
  console.log({ seed, ...counts, longestMs: Math.round(longestMs) })
})

async function start(own: TestDatabase): Promise<ChildProcess> {
  const child = fork(fileURLToPath(new URL('./scheduler.fixture.ts', import.meta.url)), [own.url], {
    execArgv: ['--conditions=@freshet/source'],
  })
  await once(child, 'message')
  return child
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

async function dismiss(child: ChildProcess): Promise<void> {
  child.send('end')
  await once(child, 'exit')
}

interface Load {
  /** How many rows were written in all. */
  stop(): Promise<number>
}

/** Each statement is one change row. */
function startLoad(own: TestDatabase, chance: Random): Load {
  let stopped = false
  let written = 0
  const writer = async (order: Random) => {
    const client = await own.client()
    while (!stopped) {
      await client.query('insert into item (kind, price) values ($1, $2)', [order.int(0, 9), order.int(1, 100)])
      written++
      await sleep(order.int(1, 10))
    }
  }
  const writers = Array.from({ length: WRITERS }, () => writer(chance.fork()))
  return {
    async stop() {
      stopped = true
      await Promise.all(writers)
      return written
    },
  }
}

/** Until every table has been refreshed since now; how long that took. Rows are written all the while. */
async function refreshedSince(own: TestDatabase): Promise<number> {
  const began = performance.now()
  const [now] = await own.database.query<{ now: string }>(raw('select clock_timestamp()::text as now'))
  for (;;) {
    const [row] = await own.database.query<{ all: boolean }>(
      sql`select bool_and(refreshed_at > ${now?.now ?? ''}::timestamptz) as all from freshet.stream_table_state`,
    )
    if (row?.all === true) return performance.now() - began
    await sleep(10)
  }
}

/** Until nothing waits any more. */
async function settled(own: TestDatabase, written: number): Promise<void> {
  for (;;) {
    const [row] = await own.database.query<{ all: boolean }>(
      sql`select (select sum(n) from kinds) = ${written}::bigint and (select count(*) from lines) = ${written}::bigint
        and (select sum(n) from big) = (select sum(n) from kinds where n > 3)
        and not exists (select kind, max(price) from item group by kind except select kind, most from whole) as all`,
    )
    if (row?.all === true) return
    await sleep(10)
  }
}
