import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { raw, sql } from '../sql.ts'
import { type Lease, tryLease, withLease } from './lease.ts'

let own: TestDatabase
beforeEach(async () => {
  own = await createTestDatabase()
  onTestFinished(() => own.drop())
  await own.database.query(raw('create table written (by text)'))
})

/** How long the leases of processes last that are started from now on; those of this one are long. */
async function last(duration: string): Promise<void> {
  await own.database.query(raw(`alter database ${own.name} set freshet.lease = '${duration}'`))
}

async function taken(name = 'thing'): Promise<Lease> {
  for (;;) {
    const lease = await tryLease(own.database, name)
    if (lease !== null) return lease
    await sleep(5)
  }
}

async function row(): Promise<Record<string, unknown> | undefined> {
  const [found] = await own.database.query(
    raw(`select holder is not null as held, expires_at > clock_timestamp() as runs, token::text as token,
      expires_at::text as "expiresAt" from freshet.lease where name = 'thing'`),
  )
  return found
}

async function written(): Promise<string[]> {
  const rows = await own.database.query<{ by: string }>(raw('select by from written order by 1'))
  return rows.map(({ by }) => by)
}

const write = (lease: Lease, by: string) =>
  lease.guarded((transaction) => transaction.query(sql`insert into written values (${by})`))

interface Holder {
  readonly process: ChildProcess
  /** What it says next. */
  heard(): Promise<unknown>
}

async function holder(skewMs = 0): Promise<Holder & { readonly token: unknown }> {
  const child = fork(fileURLToPath(new URL('./lease-holder.fixture.ts', import.meta.url)), [own.url, String(skewMs)], {
    execArgv: ['--conditions=@freshet/source'],
  })
  own.defer(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  })
  const said: unknown[] = []
  child.on('message', (message) => void said.push(message))
  const heard = async () => {
    if (said.length === 0) await once(child, 'message')
    return said.shift()
  }
  return { process: child, heard, token: await heard() }
}

test('one holder at a time; who comes later has the greater token, by whatever way the lease came free', async () => {
  const first = await taken()
  expect(await tryLease(own.database, 'thing')).toBeNull()
  expect(await tryLease(own.database, 'thing', 'expired')).toBeNull()
  const another = await taken('another thing')
  await first.release()
  expect(await tryLease(own.database, 'thing', 'expired')).toBeNull()
  const second = await taken()
  const third = await tryLease(own.database, 'thing', 'any')
  expect(third).not.toBeNull()
  expect(Number(second.token)).toBeGreaterThan(Number(first.token))
  expect(Number(third?.token)).toBeGreaterThan(Number(second.token))
  await expect(write(second, 'second')).rejects.toMatchObject({ code: 'LEASE_LOST', retry: 'retry', sqlState: 'FR007' })
  expect(second.lost.aborted).toBe(true)
  await expect(write(first, 'first')).rejects.toMatchObject({ code: 'LEASE_LOST' })
  if (third !== null) await write(third, 'third')
  expect(await written()).toEqual(['third'])
  // what another one does about a lease that it lost changes nothing
  await second.release()
  expect(await row()).toMatchObject({ held: true, token: third?.token })
  await Promise.all([third?.release(), another.release()])
})

test('it is extended while its holder lives, and runs out by the server’s clock when he stands still', async () => {
  await last('2s')
  const child = await holder()
  const before = await row()
  while ((await row())?.['expiresAt'] === before?.['expiresAt']) await sleep(5)
  expect(await row()).toMatchObject({ held: true, runs: true, token: child.token })
  child.process.kill('SIGSTOP')
  const lease = await taken()
  await write(lease, 'parent')
  child.process.send('write')
  child.process.kill('SIGCONT')
  const heard = [await child.heard(), await child.heard()]
  expect(heard).toContain('LEASE_LOST')
  expect(heard).toContain('lost')
  expect(await written()).toEqual(['parent'])
  await lease.release()
})

test('frozen in the middle of a transaction: the lease is taken over, what it locked comes free, and it can not commit', async () => {
  await last('2s')
  const child = await holder()
  child.process.send('open')
  expect(await child.heard()).toBe('open')
  child.process.kill('SIGSTOP')
  const lease = await taken()
  // waits for the transaction of the child until the server ends it
  await lease.guarded((transaction) => transaction.query(raw('lock table written in access exclusive mode')))
  await write(lease, 'parent')
  child.process.send('go on')
  child.process.kill('SIGCONT')
  const heard = new Set([await child.heard(), await child.heard()])
  expect(heard).toEqual(new Set(['lost', 'CONNECTION_LOST']))
  expect(await written()).toEqual(['parent'])
  await lease.release()
})

test('a transaction that is thawed before the server ends it does not commit either', async () => {
  const first = await taken()
  let second: Lease | null = null
  const outcome = first.guarded(async (transaction) => {
    await transaction.query(raw(`insert into written values ('first')`))
    second = await tryLease(own.database, 'thing', 'any')
  })
  await expect(outcome).rejects.toMatchObject({ code: 'LEASE_LOST' })
  expect(await written()).toEqual([])
  await (second as Lease | null)?.release()
})

test('from its fence to its commit, nobody takes the lease, and its holder may extend it', async () => {
  const first = await taken()
  let second: Promise<Lease | null> | undefined
  await own.database.transaction(async (transaction) => {
    await transaction.query(raw(`insert into written values ('first')`))
    await first.fence(transaction)
    await own.database.query(sql`update freshet.lease set expires_at = clock_timestamp() where token = ${first.token}`)
    second = tryLease(own.database, 'thing')
    for (;;) {
      const waiting = await own.database.query(
        raw(`select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`),
      )
      if (waiting.length > 0) break
    }
  })
  const lease = await second
  expect(Number(lease?.token)).toBeGreaterThan(Number(first.token))
  expect(await written()).toEqual(['first'])
  await lease?.release()
})

test('in a snapshot of before: who was overtaken fails, who only extended does not', async () => {
  const first = await taken()
  const repeatable = { isolation: 'repeatable read' } as const
  await first.guarded(async (transaction) => {
    await transaction.query(raw(`insert into written values ('first')`))
    await own.database.query(
      sql`update freshet.lease set expires_at = clock_timestamp() + '1h' where token = ${first.token}`,
    )
  }, repeatable)
  let second: Lease | null = null
  const outcome = first.guarded(async (transaction) => {
    await transaction.query(raw(`insert into written values ('again')`))
    second = await tryLease(own.database, 'thing', 'any')
  }, repeatable)
  await expect(outcome).rejects.toMatchObject({ code: 'LEASE_LOST' })
  expect(await written()).toEqual(['first'])
  await (second as Lease | null)?.release()
})

test.each([
  ['a day behind', -86_400_000],
  ['a day ahead', 86_400_000],
])('a process whose clock is %s holds no longer and no shorter', async (_, skewMs) => {
  await last('2s')
  const child = await holder(skewMs)
  const before = await row()
  expect(before).toMatchObject({ held: true, runs: true })
  expect(await tryLease(own.database, 'thing')).toBeNull()
  while ((await row())?.['expiresAt'] === before?.['expiresAt']) await sleep(5)
  expect(await tryLease(own.database, 'thing')).toBeNull()
  const [left] = await own.database.query<{ right: boolean }>(
    raw(`select expires_at - clock_timestamp() between '0s' and '2s' as right from freshet.lease`),
  )
  expect(left).toEqual({ right: true })
  child.process.send('write')
  expect(await child.heard()).toBe('committed')
  child.process.kill('SIGKILL')
  const lease = await taken()
  // nor does it take what has not run out
  const late = await holder(skewMs)
  expect(late.token).toBe('refused')
  await lease.release()
})

test('many want it: each has it once, alone', async () => {
  const tokens: number[] = []
  let inside = 0
  const work = async (lease: Lease) => {
    expect(++inside).toBe(1)
    await write(lease, lease.token)
    tokens.push(Number(lease.token))
    inside--
  }
  await Promise.all(Array.from({ length: 6 }, () => withLease(own.database, 'thing', work)))
  expect(tokens).toHaveLength(6)
  expect(tokens).toEqual([...tokens].sort((a, b) => a - b))
  expect(await written()).toHaveLength(6)
})

test('who waits in vain learns who has it', async () => {
  const lease = await taken()
  const waited = withLease(own.database, 'thing', () => Promise.resolve('had'), { patienceMs: 0 })
  await expect(waited).rejects.toMatchObject({
    code: 'LOCK_TIMEOUT',
    message: expect.stringContaining(`:${process.pid}`),
  })
  await lease.release()
  expect(await withLease(own.database, 'thing', () => Promise.resolve('had'), { patienceMs: 0 })).toBe('had')
})
