import { setTimeout as sleep } from 'node:timers/promises'
import { assertEqualToQuery } from '@freshet/testkit'
import type pg from 'pg'
import { measurement, percentile } from './measurement.ts'
import { startSchedulerProcess, stopSchedulerProcess } from './scheduler-process.ts'
import type { Bench } from './stand.ts'

/**
 * Another query for a stream table that is read, written to and refreshed all the while: for how long its readers are locked
 * out, by the server's clock; how long the slowest of them took, beside the slowest of those before the alteration, which is
 * the baseline; and how many failed. Every answer is checked: by the old query or by the new, by one of them as a whole, and
 * never by the old one again where the new one was seen.
 */
const CUSTOMERS = 10_000
const READERS = 4
const WRITERS = 2
const ALTERATIONS = 2
const BEFORE_MS = 5_000
const PAUSE_MS = 2

interface Case {
  readonly name: string
  /** By the factor, which tells the old query from the new one: in every row, `shown` is so many times `amount`. */
  readonly query: (factor: number) => string
  /** How many rows it has for a customer, at least. */
  readonly rows: (sales: number) => number
}

const CASES: readonly Case[] = [
  {
    name: 'aggregate',
    query: (factor) =>
      `select customer, sum(amount) as amount, sum(amount * ${factor}) as shown from sales group by customer`,
    rows: () => 1,
  },
  {
    name: 'as large as its source',
    query: (factor) => `select id, customer, amount, amount * ${factor} as shown from sales`,
    rows: (sales) => Math.floor(sales / CUSTOMERS),
  },
]

/** What people give to a table. Its name is put for `%`. */
const GIVEN = `
  create index on % (customer, amount); create index on % (shown);
  create view %_view as select customer, amount, shown from %;
  create publication %_published for table %;
  grant select on % to public; comment on table % is 'what was sold'`

const ABOVE = 'select customer % 10 as part, sum(amount) as amount, sum(shown) as shown from % group by customer % 10'

export async function shadow(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  bench.say(`filling a table with ${bench.rows} rows`)
  await client.query(`
    create table sales (id bigint primary key, customer int not null, amount bigint not null);
    insert into sales select i, i % ${CUSTOMERS}, 1 + i % 97 from generate_series(1, ${bench.rows}) as i`)
  await client.query('vacuum (analyze) sales')
  for (const [i, each] of CASES.entries()) await measure(bench, client, each, `sold_${i}`)
}

async function measure(bench: Bench, client: pg.Client, each: Case, table: string): Promise<void> {
  const { freshet, report, say } = bench
  const above = { name: `${table}_above`, query: ABOVE.replaceAll(' % group', ` ${table} group`) }
  say(`${each.name}: creating`)
  await freshet.create({ name: table, query: each.query(1), mode: 'differential', schedule: 'live' })
  await freshet.create({ ...above, schedule: 'live' })
  await client.query(GIVEN.replaceAll('%', table))
  const scheduler = startSchedulerProcess(bench)
  const ended = new AbortController()
  const written = { rows: 0 }
  const factors = { old: 1, new: 1 }
  const readings: Reading[] = []
  const workers = [
    ...Array.from({ length: WRITERS }, (_, i) => write(bench, ended.signal, written, i)),
    ...Array.from({ length: READERS }, async (_, i) => {
      const reading: Reading = { took: [], failed: [] }
      readings.push(reading)
      const atLeast = each.rows(bench.rows)
      await read(bench, i % 2 === 0 ? table : `${table}_view`, ended.signal, { reading, factors, atLeast })
    }),
  ]
  const locked: number[] = []
  const totals: number[] = []
  const during: number[] = []
  const takeReadings = () => readings.flatMap(({ took }) => took.splice(0))
  try {
    // the first reads plan and connect
    await sleep(1_000)
    takeReadings()
    await sleep(BEFORE_MS)
    const before = takeReadings()
    for (let round = 0; round < ALTERATIONS; round++) {
      factors.old = factors.new
      factors.new++
      say(`${each.name}: another query`)
      takeReadings()
      const began = performance.now()
      const { lockedMs } = await freshet.alter(table, { query: each.query(factors.new) })
      totals.push((performance.now() - began) / 1000)
      during.push(...takeReadings())
      if (lockedMs === null) throw new Error('nothing was swapped')
      locked.push(lockedMs)
      // whoever began to read before it has answered
      await sleep(1_000)
      factors.old = factors.new
    }
    const figure = (metric: string, value: number, unit: string, baseline?: number) =>
      report(measurement({ suite: 'shadow', case: each.name, metric, value, unit, ...(baseline ? { baseline } : {}) }))
    figure('readers locked out', Math.max(...locked), 'ms')
    figure('slowest read', Math.max(...during), 'ms', Math.max(...before))
    figure('p99 of reads', percentile(during, 0.99), 'ms', percentile(before, 0.99))
    figure('reads', during.length, 'reads')
    figure('rows written', written.rows, 'rows')
    figure('whole alteration', Math.max(...totals), 's')
  } finally {
    ended.abort()
    await Promise.all(workers)
    await stopSchedulerProcess(scheduler)
  }
  const failed = readings.flatMap((reading) => reading.failed)
  report(measurement({ suite: 'shadow', case: each.name, metric: 'reads failed', value: failed.length, unit: 'reads' }))
  for (const reason of new Set(failed)) say(`failed: ${reason}`)
  await freshet.refreshAll()
  await assertEqualToQuery(freshet.database, table, each.query(factors.new))
  await assertEqualToQuery(freshet.database, above.name, above.query)
  await client.query(`drop publication ${table}_published; drop view ${table}_view`)
  await freshet.drop(table, { cascade: true })
}

async function write(bench: Bench, signal: AbortSignal, written: { rows: number }, writer: number): Promise<void> {
  const client = await bench.database.client()
  for (let n = 1; !signal.aborted; n++) {
    if (n % 2 === 0) {
      const id = 10 * bench.rows + n * WRITERS + writer
      await client.query(
        `insert into sales values ($1::bigint, $1::bigint % ${CUSTOMERS}, 5) on conflict (id) do update set amount = sales.amount + 1`,
        [id],
      )
    } else await client.query('update sales set amount = amount + 1 where id = $1', [1 + ((n * 7919) % bench.rows)])
    written.rows++
    await sleep(PAUSE_MS)
  }
}

interface Reading {
  /** Milliseconds. */
  readonly took: number[]
  readonly failed: string[]
}

interface Checked {
  readonly reading: Reading
  readonly factors: { old: number; new: number }
  readonly atLeast: number
}

/** Counts what fails, and goes on. */
async function read(
  bench: Bench,
  relation: string,
  signal: AbortSignal,
  { reading, factors, atLeast }: Checked,
): Promise<void> {
  const client = await bench.database.client()
  let seen = 0
  const text = `select count(*)::int as rows, sum(amount)::text as amount, sum(shown)::text as shown from ${relation} where customer = $1`
  for (let n = 0; !signal.aborted; n++) {
    const { old } = factors
    const began = performance.now()
    try {
      const { rows } = await client.query<Answer>({ name: 'read', text, values: [(n * 7919) % CUSTOMERS] })
      reading.took.push(performance.now() - began)
      const factor = factorOf(rows[0], atLeast)
      if (factor < Math.max(seen, old) || factor > factors.new)
        reading.failed.push(`an answer by the factor ${factor} after ${seen}`)
      seen = factor
    } catch (error) {
      reading.failed.push(String(error))
    }
    await sleep(PAUSE_MS)
  }
}

interface Answer {
  readonly rows: number
  readonly amount: string
  readonly shown: string
}

function factorOf(answer: Answer | undefined, atLeast: number): number {
  if (answer === undefined || answer.rows < atLeast) throw new Error(`${answer?.rows ?? 0} rows of ${atLeast}`)
  const [amount, shown] = [BigInt(answer.amount), BigInt(answer.shown)]
  if (shown % amount !== 0n) throw new Error(`${shown} is shown for ${amount}`)
  return Number(shown / amount)
}
