import { setTimeout as sleep } from 'node:timers/promises'
import { isFreshetError, raw, sql, tryLease } from '@freshet/core'
import { type Cluster, clusterUrls, findCitus, freshSeed, random, startCluster } from '@freshet/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kill, start } from '../chaos/processes.ts'
import { dismiss, refreshedSince, SKEW_MS, startScheduler } from '../chaos/scheduling.ts'
import { LONG } from '../length.ts'
import { amidNodes } from './amid-nodes.ts'
import { BANK_TABLES, BANK_TOTAL, openBank, startBankWriters } from './bank.ts'
import { type CitusWorld, createCitusWorld } from './world.ts'

const LEASE_MS = 1_500
const SCHEDULERS = LONG ? 3 : 2
const MINUTES = LONG ? Number(process.env['FRESHET_CHAOS_MINUTES'] ?? 5) : 0
/** However short the time is: each kind of fault once. */
const FAULTS = ['frozen', 'restarted', 'killed', 'set'] as const
type Fault = (typeof FAULTS)[number]

/**
 * Schedulers over a cluster, their wall clocks wrong by minutes, that stand still in the middle of what reaches the workers
 * for longer than a lease, are killed there, or lose their coordinator there. What they had begun ends on all nodes, the
 * others go on, and what they do when they are thawed changes nothing that was done since.
 */
describe.skipIf(clusterUrls() === null)('schedulers over a cluster', () => {
  let cluster: Cluster

  beforeAll(async () => {
    const binaries = await findCitus()
    if (binaries === null) throw new Error('there is no Citus any more')
    cluster = await startCluster(binaries)
  })

  afterAll(async () => cluster.stop())

  test('a lease outlives the coordinator, and its holder is fenced off on the workers', async () => {
    await using world = await createCitusWorld({ cluster })
    const { own } = world
    await world.run(
      `alter database ${own.name} set freshet.lease = '2500ms'`,
      'create table written (by text)',
      `select create_distributed_table('written', 'by')`,
    )
    const holder = await start(own, new URL('../chaos/holder.fixture.ts', import.meta.url), -SKEW_MS)
    expect(await holder.heard()).toBe('ready')
    holder.process.send('lease')
    expect(await holder.heard()).toBe('holding')
    holder.process.kill('SIGSTOP')
    await restart(cluster)
    // by the server's clock, whatever was restarted
    const left = `select extract(epoch from expires_at - clock_timestamp())::float8 * 1000 as ms from freshet.lease where name = 'thing'`
    expect(Number((await world.rows(left))[0]?.['ms'])).toBeLessThanOrEqual(2_500)
    let lease = await tryLease(own.database, 'thing')
    for (; lease === null; lease = await tryLease(own.database, 'thing')) await sleep(10)
    await lease.guarded((transaction) => transaction.query(sql`insert into written values ('successor')`))
    holder.process.send('go on')
    holder.process.kill('SIGCONT')
    expect(await holder.heard()).toBe('LEASE_LOST')
    expect(await world.rows('select by from written')).toEqual([{ by: 'successor' }])
    await lease.release()
  })

  test(
    `are frozen, killed, their clocks set, and the coordinator restarted, for ${LONG ? `${MINUTES} minutes` : 'a moment'}`,
    { timeout: MINUTES * 120_000 + 180_000 },
    async () => {
      const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
      const draw = random(seed)
      await using world = await createCitusWorld({ cluster, shards: 4 })
      const { own } = world
      await world.run(
        // what a worker has prepared for a coordinator that went away
        `alter system set citus.recover_2pc_interval = '1s'`,
        'select pg_reload_conf()',
        `alter database ${own.name} set freshet.lease = '${LEASE_MS}ms'`,
      )
      await openBank(world)
      for (const name of BANK_TABLES) await world.freshet.alter(name, { schedule: 'live' })
      const skew = () => draw.int(-SKEW_MS, SKEW_MS)
      const processes = await Promise.all(Array.from({ length: SCHEDULERS }, () => startScheduler(own, skew())))
      const amid = await amidNodes(world)
      const state = { restarting: false }
      const writers = await startBankWriters(world, draw.fork(), LONG ? 3 : 2, () => state.restarting)
      const audits = startAudits(world, seed)
      const counts = { frozen: 0, restarted: 0, killed: 0, set: 0, longestWaitMs: 0 }
      const others = async () => {
        counts.longestWaitMs = Math.max(counts.longestWaitMs, Math.round(await refreshedSince(own)))
      }
      const strike = async (fault: Fault) => {
        const i = draw.int(0, SCHEDULERS - 1)
        const struck = processes[i]
        if (struck === undefined) throw new Error(`there is no scheduler ${i}`)
        if (fault === 'set') struck.process.send(skew())
        else if (!(await amid.freeze(struck))) return
        else if (fault === 'frozen') {
          await amid.ended(struck)
          await others()
          struck.process.kill('SIGCONT')
        } else if (fault === 'restarted') {
          state.restarting = true
          await restart(cluster)
          await amid.reconnect()
          await others()
          state.restarting = false
          struck.process.kill('SIGCONT')
        } else {
          await kill(struck.process)
          await amid.ended(struck)
          await others()
          processes[i] = await startScheduler(own, skew())
        }
        counts[fault]++
      }
      const end = performance.now() + MINUTES * 60_000
      try {
        for (const fault of FAULTS) while (counts[fault] === 0) await strike(fault)
        while (performance.now() < end) {
          await sleep(draw.int(0, 300))
          await strike(draw.pick(FAULTS))
        }
      } finally {
        await audits.stop()
      }
      await writers.stop()
      await Promise.all(processes.map(dismiss))
      await expect
        .poll(async () => Number((await world.rows(PREPARED))[0]?.['n']), { timeout: 60_000, interval: 200 })
        .toBe(0)
      await world.follow()
      const [done] = await own.database.query<{ refreshes: number; full: number }>(
        raw(`select count(*)::int as refreshes, count(*) filter (where action = 'full')::int as full
          from freshet.refresh_history where initiated_by like 'scheduler %' and error is null`),
      )
      console.log({ seed, ...counts, ...done, ...audits.counts, differences: 0, ...writers.counts })
      expect(done?.refreshes, `seed ${seed}`).toBeGreaterThan(0)
      // none was left for somebody to compute anew
      expect(done?.full, `seed ${seed}`).toBe(0)
      expect(await world.rows('select total::int, accounts::int from total')).toEqual([
        { total: BANK_TOTAL, accounts: 600 },
      ])
      expect(
        await world.rows(
          `select count(*) filter (where status <> 'active')::int as lost from freshet.stream_table_state`,
        ),
      ).toEqual([{ lost: 0 }])
    },
  )
})

/** All that anybody is doing there is cut off. */
async function restart({ coordinator }: Cluster): Promise<void> {
  await coordinator.kill()
  await coordinator.start()
}

/** Each stream table is compared with its query, again and again. */
function startAudits(world: CitusWorld, seed: number) {
  const counts = { verified: 0, notVerified: 0 }
  const state = { done: false }
  const running = (async () => {
    while (!state.done)
      for (const name of BANK_TABLES) {
        const found = await world.freshet.verify(name).catch((error: unknown) => {
          // an error with a code, of which nothing is recorded: the next one says whether that is so
          if (!isFreshetError(error) || error.code === 'INTERNAL') throw error
          return null
        })
        if (found === null) counts.notVerified++
        else {
          const { equal, extra, missing } = found
          expect({ seed, name, equal, extra, missing }).toEqual({ seed, name, equal: true, extra: 0, missing: 0 })
          counts.verified++
        }
        await sleep(20)
      }
  })()
  // who waits for them hears of it
  running.catch(() => undefined)
  return {
    counts,
    async stop() {
      state.done = true
      await running
    },
  }
}

const PREPARED = `select sum(result::int)::int as n from run_command_on_all_nodes('select count(*) from pg_prepared_xacts')`
