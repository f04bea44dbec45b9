import { connect, type Freshet } from '@freshet/client'
import { raw } from '@freshet/core'
import { assertEqualToQuery, createTestDatabase, freshSeed, random } from '@freshet/testkit'
import { expect, test } from 'vitest'
import { LONG } from './length.ts'
import { ACCOUNTS, BANK, startWriters, TOTAL } from './writers.ts'

/**
 * A query changes again and again while the bank is at work and its stream table is read in every way there is: by its
 * name, prepared, through a view, a view over that, a function of SQL, in transactions that read it twice. No read fails,
 * and each finds all the money, by the old query or by the new: never a part of it, nor both.
 */
const BY_OWNER = 'select owner as part, sum(balance) as money, count(*) as accounts from account group by owner'
const BY_REST = 'select id % 3 as part, sum(balance) * 2 as money, count(*) as accounts from account group by id % 3'
/** Each twice, through an inner stage. */
const BY_NAME = `
  select n % 2 as part, (sum(m) * 3)::bigint as money, sum(c)::bigint as accounts
  from (select length(o.name) + o.id as n, sum(a.balance) as m, count(*) as c from account a join owner o on o.id = a.owner group by 1) x
  group by n % 2`

const SUM = 'select sum(money)::int as money, sum(accounts)::int as accounts, count(*)::int as parts'
const BY_FUNCTION = 'select money::int, accounts::int, parts::int from told()'
const READS = [
  `${SUM} from answer`,
  { name: 'prepared', text: `${SUM} from answer where part >= $1`, values: [-1] },
  `${SUM} from through`,
  `${SUM} from twice`,
  BY_FUNCTION,
]

const READERS = `
  create view through with (security_barrier) as select part, money, accounts from answer;
  create view twice as select t.part, t.money, t.accounts from through t where t.accounts > 0;
  create function told() returns table (money bigint, accounts bigint, parts bigint) language sql begin atomic
    select sum(a.money), sum(a.accounts), count(*) from answer a; end;
  create index by_money on answer (money); comment on table answer is 'all of it'; grant select on answer to public`

interface Found {
  readonly money: number
  readonly accounts: number
  readonly parts: number
}

test('no read fails, and each is answered by the old query or by the new', { timeout: 600_000 }, async () => {
  const seed = freshSeed()
  const own = random(seed)
  await using bank = await createTestDatabase()
  await bank.database.query(raw(BANK))
  const freshet = await connect({ databaseUrl: bank.url, applicationName: 'altering' })
  bank.defer(() => freshet.close())
  await freshet.create({ name: 'answer', query: BY_OWNER, mode: 'differential', schedule: 'manual' })
  await freshet.create({ name: 'above', query: 'select sum(money) as money from answer', schedule: 'manual' })
  await bank.database.query(raw(READERS))
  const writers = await startWriters(bank, own.fork(), 3)
  const ended = new AbortController()
  const counts = { reads: 0, refreshes: 0, seen: new Set<string>() }
  const clients = await Promise.all(READS.map(() => bank.client()))
  const reading = READS.map((read, i) => reader(clients[i], read, ended.signal, counts))
  const refreshing = refresher(
    await connect({ databaseUrl: bank.url, applicationName: 'refreshing' }),
    ended.signal,
    counts,
  )

  const queries = [BY_REST, BY_NAME, BY_OWNER]
  for (let round = 0; round < (LONG ? 20 : 1); round++)
    for (const query of queries) {
      await freshet.alter('answer', { query, restMs: own.int(0, 20) })
      // every reader has read under it
      const enough = counts.reads + 5 * READS.length
      while (counts.reads < enough) await Promise.race([...reading, refreshing, bank.database.query(raw('select'))])
    }
  ended.abort()
  await Promise.all([...reading, refreshing])
  await writers.stop()

  expect([...counts.seen].sort(), `seed ${seed}`).toEqual(['1 of 8 parts', '2 of 3 parts', '3 of 2 parts'])
  expect(counts.refreshes).toBeGreaterThan(0)
  await freshet.refreshAll()
  for (const { name, query } of await freshet.list()) await assertEqualToQuery(freshet.database, name, query)
  const kept = await freshet.database.query(
    raw(
      `select obj_description('answer'::regclass) as comment, to_regclass('by_money')::text as index, has_table_privilege('public', 'answer', 'select') as granted`,
    ),
  )
  expect(kept).toEqual([{ comment: 'all of it', index: 'by_money', granted: true }])
  for (const { level, message, hint } of await freshet.doctor())
    if (hint?.startsWith('create index') !== true) expect(`${level} ${message}`).toMatch(/^ok/)
})

test('sources that are captured by WAL: what was committed before the swap is in it', async () => {
  await using bank = await createTestDatabase()
  await bank.database.query(raw(BANK))
  const freshet = await connect({ databaseUrl: bank.url, applicationName: 'altering' })
  bank.defer(async () => {
    await freshet.drop('answer', { cascade: true })
    await freshet.close()
  })
  await freshet.create({ name: 'answer', query: BY_OWNER, mode: 'differential', schedule: 'manual', cdc: 'wal' })
  for (const query of [BY_REST, BY_NAME]) {
    await bank.database.query(raw('update account set balance = balance + 1 - 2 * (id % 2)'))
    await freshet.alter('answer', { query })
    await assertEqualToQuery(freshet.database, 'answer', query)
  }
})

type Client = Awaited<ReturnType<Awaited<ReturnType<typeof createTestDatabase>>['client']>>
interface Counts {
  reads: number
  refreshes: number
  readonly seen: Set<string>
}

async function reader(
  client: Client | undefined,
  read: (typeof READS)[number],
  signal: AbortSignal,
  counts: Counts,
): Promise<void> {
  if (client === undefined) throw new Error('there is no connection')
  while (!signal.aborted) {
    // in one transaction it is read twice, and is the same; but a function knows what it reads by number, and may have
    // waited for the table that had the name before
    await client.query('begin isolation level repeatable read')
    const first = found((await client.query<Found>(read)).rows)
    const second = found((await client.query<Found>(read)).rows)
    await client.query('commit')
    if (read !== BY_FUNCTION) expect(second).toBe(first)
    counts.seen.add(first).add(second)
    counts.reads++
  }
}

function found(rows: readonly Found[]): string {
  const [row] = rows
  if (row === undefined) throw new Error('nothing was read')
  expect(row.accounts).toBe(ACCOUNTS)
  expect(row.money % TOTAL).toBe(0)
  return `${row.money / TOTAL} of ${row.parts} parts`
}

async function refresher(freshet: Freshet, signal: AbortSignal, counts: Counts): Promise<void> {
  try {
    while (!signal.aborted) {
      await freshet.refreshAll()
      counts.refreshes++
    }
  } finally {
    await freshet.close()
  }
}
