import { setTimeout as sleep } from 'node:timers/promises'
import type { Random, TestDatabase } from '@freshet/testkit'
import pg from 'pg'

/**
 * A small bank whose money only moves: accounts with owners, and a ledger without a key. Writers move money between
 * accounts in transactions of every kind; the sum of all balances, and that of the ledger, is the same at every commit,
 * so any reader at any time can tell a lost or doubled change.
 */
export const ACCOUNTS = 120
export const TOTAL = ACCOUNTS * 100

export const BANK = `
  create table owner (id int primary key, name text not null);
  create table account (id int primary key, owner int not null, balance int not null);
  create table ledger (account int, amount int);
  insert into owner select i, 'owner ' || i % 5 from generate_series(1, 8) as i;
  insert into account select i, 1 + i % 8, 100 from generate_series(1, ${ACCOUNTS}) as i`

/** Every stream table of the bank with its query; `total` holds the sum that never changes. */
export const BANK_STREAMS: Readonly<Record<string, string>> = {
  total: 'select sum(balance) as total, count(*) as accounts from account',
  by_owner: `
    select o.name, sum(a.balance) as balance, count(*) as accounts, max(a.balance) as most
    from account as a join owner as o on o.id = a.owner group by o.name`,
  moves: 'select account, amount from ledger where amount <> 0',
  moved:
    'select a.owner, sum(l.amount) as moved, count(*) as moves from ledger as l join account as a on a.id = l.account group by a.owner',
  amounts: 'select distinct amount from ledger',
}

export interface WriterCounts {
  committed: number
  rolledBack: number
  prepared: number
  conflicts: number
}

export interface Writers {
  readonly counts: WriterCounts
  /** Lets every writer end its transaction; throws what any of them met. */
  stop(): Promise<void>
}

const EXPECTED = new Set(['40001', '40P01', '55P03'])

export async function startWriters(test: TestDatabase, random: Random, count: number): Promise<Writers> {
  const counts: WriterCounts = { committed: 0, rolledBack: 0, prepared: 0, conflicts: 0 }
  const state = { stopped: false }
  const loops = await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const client = await test.client()
      await client.query(
        `set lock_timeout = '2s'; set deadlock_timeout = '30ms'; set synchronous_commit = ${index % 2 === 0 ? 'on' : 'off'}`,
      )
      return { client, own: random.fork(), index }
    }),
  )
  const running = loops.map(async ({ client, own, index }) => {
    for (let i = 0; !state.stopped; i++) {
      try {
        await transact(client, own, `bank_${test.name}_${index}_${i}`, counts)
      } catch (error) {
        if (!(error instanceof pg.DatabaseError) || !EXPECTED.has(error.code ?? '')) throw error
        counts.conflicts++
        await client.query('rollback')
      }
      await sleep(own.int(0, 4))
    }
  })
  const ended = Promise.allSettled(running)
  return {
    counts,
    stop: async () => {
      state.stopped = true
      for (const outcome of await ended) if (outcome.status === 'rejected') throw asError(outcome.reason)
    },
  }
}

/** One transaction of a kind that chance chooses. */
export async function transact(client: pg.Client, random: Random, gid: string, counts: WriterCounts): Promise<void> {
  const isolation = random.weighted([
    [60, 'read committed'],
    [25, 'repeatable read'],
    [15, 'serializable'],
  ])
  await client.query(`begin isolation level ${isolation}`)
  for (let move = random.int(1, 3); move > 0; move--) {
    if (random.chance(0.2)) {
      await client.query('savepoint s')
      await client.query(`update account set balance = balance + 7 where id = ${random.int(1, ACCOUNTS)}`)
      await client.query(`insert into ledger values (${random.int(1, ACCOUNTS)}, 777)`)
      await client.query('rollback to savepoint s')
    }
    await transfer(client, random)
    // some stay open while others commit and refreshes pass
    if (random.chance(0.3)) await sleep(random.int(1, 60))
  }
  const end = random.weighted([
    [15, 'rollback'],
    [13, 'prepare'],
    [72, 'commit'],
  ])
  if (end === 'rollback') {
    counts.rolledBack++
    await client.query('rollback')
  } else if (end === 'prepare') {
    await client.query(`prepare transaction '${gid}'`)
    await sleep(random.int(0, 40))
    const kept = random.chance(0.7)
    await client.query(`${kept ? 'commit' : 'rollback'} prepared '${gid}'`)
    counts.prepared++
    if (kept) counts.committed++
    else counts.rolledBack++
  } else {
    await client.query('commit')
    counts.committed++
  }
}

/** In account order, so that writers seldom deadlock. */
async function transfer(client: pg.Client, random: Random): Promise<void> {
  const [from, to] = [random.int(1, ACCOUNTS), random.int(1, ACCOUNTS)].sort((a, b) => a - b)
  const amount = random.int(-9, 9)
  if (random.chance(0.3)) {
    await client.query(
      `update account set balance = balance + case id when ${from} then ${amount} else ${-amount} end
       where id in (${from}, ${to}) and ${from} <> ${to}`,
    )
  } else {
    await client.query(`update account set balance = balance + ${amount} where id = ${from}`)
    await client.query(`update account set balance = balance - ${amount} where id = ${to}`)
  }
  await client.query(`insert into ledger values (${from}, ${amount}), (${to}, ${-amount})`)
  if (random.chance(0.1))
    await client.query(`update ledger set account = ${to} where account = ${from} and amount = ${amount}`)
  if (random.chance(0.1)) await client.query('delete from ledger where amount = 0')
  if (random.chance(0.05))
    await client.query(`update owner set name = 'owner ' || ${random.int(0, 4)} where id = ${random.int(1, 8)}`)
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
