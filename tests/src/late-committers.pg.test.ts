import { setTimeout as sleep } from 'node:timers/promises'
import { connect, type Freshet } from '@freshet/client'
import { assertEqualToQuery, createTestDatabase, freshSeed, random, type TestDatabase } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { ACCOUNTS, BANK, BANK_STREAMS, startWriters, TOTAL } from './writers.ts'

/**
 * A transaction that commits after later ones, and after refreshes that passed it by, is neither lost nor doubled:
 * windows are sets of transactions (law L1).
 */
async function bank(test: TestDatabase, streams: Readonly<Record<string, string>> = BANK_STREAMS): Promise<Freshet> {
  const client = await test.client()
  await client.query(BANK)
  const freshet = await open(test)
  await freshet.init()
  for (const [name, query] of Object.entries(streams))
    await freshet.create({ name, query, schedule: 'manual', mode: 'differential' })
  return freshet
}

async function open(test: TestDatabase): Promise<Freshet> {
  const freshet = await connect(test.url)
  test.defer(() => freshet.close())
  return freshet
}

async function settled(freshet: Freshet, streams: Readonly<Record<string, string>> = BANK_STREAMS): Promise<void> {
  for (const [name, query] of Object.entries(streams)) {
    await freshet.refresh(name)
    await assertEqualToQuery(freshet.database, name, query)
  }
}

const ENDINGS: Readonly<
  Record<string, { begin: string; work: readonly string[]; end: readonly string[]; kept: readonly number[] }>
> = {
  'read committed': { begin: 'begin', work: ['insert into ledger values (1, 1)'], end: ['commit'], kept: [1] },
  'repeatable read': {
    begin: 'begin isolation level repeatable read',
    work: ['select 1', 'insert into ledger values (1, 1)'],
    end: ['commit'],
    kept: [1],
  },
  'a subtransaction that is rolled back': {
    begin: 'begin',
    work: [
      'savepoint a',
      'insert into ledger values (1, 1)',
      'rollback to savepoint a',
      'insert into ledger values (1, 2)',
    ],
    end: ['commit'],
    kept: [2],
  },
  'a subtransaction that is kept': {
    begin: 'begin',
    work: [
      'savepoint a',
      'insert into ledger values (1, 1)',
      'release savepoint a',
      'savepoint b',
      'insert into ledger values (1, 2)',
    ],
    end: ['commit'],
    kept: [1, 2],
  },
  'a roll-back': { begin: 'begin', work: ['insert into ledger values (1, 1)'], end: ['rollback'], kept: [] },
  'a prepared transaction': {
    begin: 'begin',
    work: ['insert into ledger values (1, 1)', `prepare transaction 'late'`],
    end: [`commit prepared 'late'`],
    kept: [1],
  },
  'a prepared transaction that is rolled back': {
    begin: 'begin',
    work: ['insert into ledger values (1, 1)', `prepare transaction 'late'`],
    end: [`rollback prepared 'late'`],
    kept: [],
  },
}

for (const [name, { begin, work, end, kept }] of Object.entries(ENDINGS)) {
  test(`open across refreshes: ${name}`, async () => {
    await using database = await createTestDatabase()
    const freshet = await bank(database)
    const [late, early] = [await database.client(), await database.client()]
    const others: number[] = []
    const pass = async (amount: number) => {
      await early.query(`insert into ledger values (1, ${amount})`)
      others.push(amount)
      for (let i = 0; i < 2; i++) await settled(freshet)
    }
    await late.query(begin)
    for (const statement of work) {
      await late.query(statement)
      await pass(10 + others.length)
    }
    for (const statement of end) await late.query(statement)
    await settled(freshet)
    await pass(100)
    const { rows } = await early.query<{ amount: number }>('select amount from moves order by amount')
    expect(rows.map(({ amount }) => amount)).toEqual([...kept, ...others])
  })
}

test('many writers, two refreshers of the same tables, and an auditor who never sees money appear or vanish', async () => {
  const seed = freshSeed()
  await using database = await createTestDatabase()
  const [one, two] = [await bank(database), await open(database)]
  const writers = await startWriters(database, random(seed), 8)
  const auditor = await database.client()
  const counts = { refreshes: 0, busy: 0, audits: 0 }
  const limit = performance.now() + 60_000
  const enough = () =>
    (writers.counts.committed >= 200 && writers.counts.prepared >= 10 && counts.refreshes >= 60 && counts.busy > 0) ||
    performance.now() > limit
  const state = { ended: false }

  const refresher = async (freshet: Freshet) => {
    const tables = await freshet.list()
    while (!enough()) {
      for (const { id } of tables) {
        const { action } = await freshet.refresher.refresh(id)
        if (action === 'busy') counts.busy++
        else if (action !== 'none') counts.refreshes++
      }
    }
    state.ended = true
  }
  const audit = async () => {
    while (!state.ended) {
      const { rows } = await auditor.query(`
        select (select total from total)::int as total, (select accounts from total)::int as accounts,
          (select sum(balance) from by_owner)::int as by_owner, (select coalesce(sum(moved), 0) from moved)::int as moved`)
      expect(rows, `seed ${seed}`).toEqual([{ total: TOTAL, accounts: ACCOUNTS, by_owner: TOTAL, moved: 0 }])
      counts.audits++
      await sleep(3)
    }
  }
  try {
    await Promise.all([refresher(one), refresher(two), audit()])
  } finally {
    await writers.stop()
  }
  await settled(one)
  console.log(`seed ${seed}`, { ...writers.counts, ...counts })
  expect(writers.counts.committed).toBeGreaterThanOrEqual(200)
  expect(writers.counts.prepared).toBeGreaterThanOrEqual(10)
  expect(counts.refreshes).toBeGreaterThanOrEqual(60)
  expect(counts.busy).toBeGreaterThan(0)
})

test('verified in one snapshot while writers go on', async () => {
  await using database = await createTestDatabase()
  const freshet = await bank(database)
  const writers = await startWriters(database, random(freshSeed()), 6)
  for (let round = 0; round < 5; round++) {
    for (const name of Object.keys(BANK_STREAMS)) {
      expect(await freshet.verify(name)).toMatchObject({ equal: true, extra: 0, missing: 0 })
    }
  }
  await writers.stop()
  await settled(freshet)
})

test('filled while writers go on, transactions open before, during and after', async () => {
  await using database = await createTestDatabase()
  const freshet = await bank(database, {})
  const writers = await startWriters(database, random(freshSeed()), 6)
  for (const [name, query] of Object.entries(BANK_STREAMS)) {
    await freshet.create({ name, query, schedule: 'manual', mode: 'differential' })
    await sleep(100)
    await freshet.refresh(name)
  }
  await writers.stop()
  await settled(freshet)
  expect(writers.counts.committed).toBeGreaterThan(20)
})

const CHAIN: Readonly<Record<string, string>> = {
  per_account: 'select account, sum(amount) as moved, count(*) as moves from ledger group by account',
  busy: 'select account, moved from per_account where moves > 1',
  per_owner:
    'select a.owner, sum(b.moved) as moved from busy as b join account as a on a.id = b.account group by a.owner',
  distinct_moves: 'select distinct moved from per_owner union select moved from busy',
}

test('a chain of stream tables under writers: each is what its query says of the one below', async () => {
  await using database = await createTestDatabase()
  const freshet = await bank(database, CHAIN)
  const writers = await startWriters(database, random(freshSeed()), 4)
  const order = random(freshSeed())
  for (let round = 0; round < 30; round++) await freshet.refresh(order.pick(Object.keys(CHAIN)))
  await writers.stop()
  await settled(freshet, CHAIN)
  expect((await freshet.list()).map(({ effectiveMode }) => effectiveMode)).toEqual(
    Object.keys(CHAIN).map(() => 'differential'),
  )
})

test('what one process remembers of a table, another may change: consumers come, a query is altered, a table is dropped', async () => {
  await using database = await createTestDatabase()
  const [one, two] = [await bank(database, CHAIN), await open(database)]
  const client = await database.client()
  const pass = async () => {
    await client.query('insert into ledger values (1, 1), (2, 2), (2, 3)')
    for (const freshet of [one, two]) for (const name of Object.keys(CHAIN)) await freshet.refresh(name)
  }
  await pass()
  // from now on the refreshes of per_account must emit to one reader more
  const reader = 'select moves, count(*) as accounts from per_account group by moves'
  await two.create({ name: 'reader', query: reader, schedule: 'manual', mode: 'differential' })
  await client.query('insert into ledger values (3, 1), (2, 2)')
  await one.refresh('per_account')
  await settled(two, { reader })

  const altered = 'select distinct moved + 1 as moved from busy'
  await two.alter('distinct_moves', { query: altered })
  await pass()
  await settled(one, { ...CHAIN, distinct_moves: altered, reader })

  await two.drop('reader')
  await pass()
  await settled(one, { ...CHAIN, distinct_moves: altered })
  await expect(one.refresh('reader')).rejects.toThrow(/reader/)
})

test('a TRUNCATE between changes, committed and rolled back', async () => {
  await using database = await createTestDatabase()
  const freshet = await bank(database)
  const client = await database.client()
  for (const end of ['rollback', 'commit']) {
    await client.query('insert into ledger values (1, 5), (2, -5)')
    await settled(freshet)
    await client.query(
      `begin; insert into ledger values (3, 1); truncate ledger; insert into ledger values (4, 2); ${end}`,
    )
    await client.query('insert into ledger values (5, 3)')
    await settled(freshet)
  }
  const { rows } = await client.query('select account from moves order by 1')
  expect(rows).toEqual([{ account: 4 }, { account: 5 }])
})
