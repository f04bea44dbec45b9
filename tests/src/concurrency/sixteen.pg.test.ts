import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { trimBuffer, whileRefused } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, freshSeed, random } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { ACCOUNTS, BANK, BANK_STREAMS, startWriters, TOTAL } from '../writers.ts'

/**
 * Writers of every kind for a minute (seconds in the short form), while others refresh, verify and clean up, and an
 * auditor reads sums that never change.
 */
const WRITERS = LONG ? 16 : 4
const SECONDS = LONG ? 60 : 2

const STREAMS: Readonly<Record<string, string>> = {
  ...BANK_STREAMS,
  per_owner: 'select owner, count(*) as accounts, sum(balance) as balance from account group by owner',
  rich: 'select owner, balance from per_owner where accounts > 3',
}

test.each(['trigger', 'wal'] as const)(
  `${WRITERS} writers for ${SECONDS} s, captured by %s`,
  { timeout: 300_000 },
  async (cdc) => {
    const seed = freshSeed()
    await using database = await createTestDatabase()
    const setup = await database.client()
    await setup.query(BANK)
    const open = async () => {
      const freshet = await connect(database.url)
      database.defer(() => freshet.close())
      return freshet
    }
    const [one, two, three] = [await open(), await open(), await open()]
    if (cdc === 'wal') {
      one.startStream()
      database.defer(async () => {
        for (const name of Object.keys(STREAMS).toReversed()) await one.drop(name)
      })
    }
    // a slot waits for whoever writes on the server, other tests among them, and gives up when that takes long
    for (const [name, query] of Object.entries(STREAMS))
      await whileRefused(120_000, () => one.create({ name, query, schedule: 'manual', mode: 'differential', cdc }))
    const counts = { refreshes: 0, verified: 0, differences: 0, trimmed: 0, audits: 0 }
    const writers = await startWriters(database, random(seed), WRITERS)
    const end = performance.now() + SECONDS * 1_000
    const loop = async (work: () => Promise<void>) => {
      while (performance.now() < end) await work()
    }
    const order = random(seed + 1)
    const names = Object.keys(STREAMS)
    const refresh = async (freshet: Freshet) => {
      const { action } = await freshet.refresh(order.pick(names), { full: order.chance(0.03) })
      if (action !== 'none') counts.refreshes++
    }
    const verify = async () => {
      const { equal } = await three.verify(order.pick(names))
      counts.verified++
      if (!equal) counts.differences++
    }
    const sources = await setup.query<{ name: string }>('select stable_name as name from freshet.source')
    const trim = async () => {
      for (const { name } of sources.rows)
        counts.trimmed += await trimBuffer(three.database, three.capture, name, order.int(1, 500))
      await sleep(5)
    }
    const auditor = await database.client()
    const audit = async () => {
      const { rows } = await auditor.query(`
      select (select total from total)::int as total, (select accounts from total)::int as accounts,
        (select sum(balance) from by_owner)::int as by_owner, (select sum(balance) from per_owner)::int as per_owner,
        (select coalesce(sum(moved), 0) from moved)::int as moved`)
      expect(rows, `seed ${seed}`).toEqual([
        { total: TOTAL, accounts: ACCOUNTS, by_owner: TOTAL, per_owner: TOTAL, moved: 0 },
      ])
      counts.audits++
      await sleep(2)
    }
    try {
      await Promise.all([loop(() => refresh(one)), loop(() => refresh(two)), loop(verify), loop(trim), loop(audit)])
    } finally {
      await writers.stop()
    }
    await one.refreshAll()
    for (const [name, query] of Object.entries(STREAMS)) await assertEqualToQuery(one.database, name, query)
    console.log(`${WRITERS} writers for ${SECONDS} s by ${cdc}, seed ${seed}:`, { ...writers.counts, ...counts })
    expect(counts.differences, `seed ${seed}`).toBe(0)
    expect(Math.min(writers.counts.committed, counts.refreshes, counts.verified, counts.audits)).toBeGreaterThan(0)
  },
)
