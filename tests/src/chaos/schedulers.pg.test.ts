import { setTimeout as sleep } from 'node:timers/promises'
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
import { kill } from './processes.ts'
import { dismiss, refreshedSince, SKEW_MS, startScheduler } from './scheduling.ts'

/**
 * Three schedulers on one database, killed and frozen (SIGSTOP) at random, their wall clocks wrong by minutes and set anew
 * while they run, under writers that never pause. Every change is read once by every stream table that reads it: none
 * twice, none never; all are equal to their queries; and none waits for who stands still longer than a lease, or for who is
 * gone: he is away until all have been refreshed by the others.
 */
const LEASE_MS = 2_000
const SCHEDULERS = 3
const MINUTES = LONG ? Number(process.env['FRESHET_CHAOS_MINUTES'] ?? 10) : 0
/** However short the time is. */
const LEAST_ROUNDS = 4

const TABLES: Readonly<Record<string, readonly [query: string, mode: 'differential' | 'full']>> = {
  kinds: ['select kind, count(*) as n, sum(price) as total from item group by kind', 'differential'],
  lines: ['select i.id, i.price, k.name from item i join kind k on k.kind = i.kind', 'differential'],
  big: ['select kind, n from kinds where n > 3', 'differential'],
  whole: ['select kind, max(price) as most from item group by kind', 'full'],
}

const WRITERS = LONG ? 4 : 2

interface Counts {
  rounds: number
  killed: number
  frozen: number
  skews: number
  written: number
  refreshes: number
  differences: number
  /** Until every table was refreshed by the others, who was struck being away. */
  longestWaitMs: number
}

const LENGTH = LONG ? `${MINUTES} minutes` : 'a moment'

test(
  `${SCHEDULERS} schedulers, killed, frozen, their clocks set, for ${LENGTH}`,
  { timeout: MINUTES * 120_000 + 1_800_000 },
  async () => {
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

    const skew = () => chance.int(-SKEW_MS, SKEW_MS)
    const processes = await Promise.all(Array.from({ length: SCHEDULERS }, () => startScheduler(own, skew())))
    const load = startLoad(own, chance.fork())
    const counts: Counts = {
      rounds: 0,
      killed: 0,
      frozen: 0,
      skews: SCHEDULERS,
      written: 0,
      refreshes: 0,
      differences: 0,
      longestWaitMs: 0,
    }
    const away = async () => {
      counts.longestWaitMs = Math.max(counts.longestWaitMs, Math.round(await refreshedSince(own)))
    }
    const end = performance.now() + MINUTES * 60_000
    for (; counts.rounds < LEAST_ROUNDS || performance.now() < end; counts.rounds++) {
      await Promise.race([sleep(chance.int(50, 400)), load.failed])
      const i = chance.int(0, SCHEDULERS - 1)
      const struck = processes[i]
      if (struck === undefined) continue
      // each of the three at least once, however few rounds there are
      const what = counts.rounds < 3 ? counts.rounds : chance.int(0, 4)
      if (what === 0 || what === 3) {
        await kill(struck.process)
        await away()
        processes[i] = await startScheduler(own, skew())
        counts.killed++
        counts.skews++
      } else if (what === 1 || what === 4) {
        struck.process.kill('SIGSTOP')
        await away()
        await sleep(chance.int(0, LEASE_MS))
        struck.process.kill('SIGCONT')
        counts.frozen++
      } else {
        struck.process.send(skew())
        counts.skews++
      }
    }
    counts.written = await load.stop()
    await settled(own, counts.written)
    await Promise.all(processes.map(dismiss))

    for (const name of Object.keys(TABLES)) if (!(await freshet.verify(name)).equal) counts.differences++
    const [history] = await own.database.query<{ refreshes: number }>(
      raw(`select count(*)::int as refreshes from freshet.refresh_history
      where initiated_by like 'scheduler %' and action in ('differential', 'full')`),
    )
    counts.refreshes = history?.refreshes ?? 0
    console.log({ seed, ...counts })
    expect(counts.differences, `seed ${seed}`).toBe(0)
    expect(counts.refreshes).toBeGreaterThan(0)
    for (const [name, [query]] of Object.entries(TABLES)) await assertEqualToQuery(own.database, name, query)
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
  },
)

interface Load {
  /** Ends only when a writer has failed, with its error. */
  readonly failed: Promise<unknown>
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
    }
  }
  const writers = Array.from({ length: WRITERS }, () => writer(chance.fork()))
  return {
    failed: Promise.all(writers),
    async stop() {
      stopped = true
      await Promise.all(writers)
      return written
    },
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
    await sleep(50)
  }
}
