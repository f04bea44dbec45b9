import { parseSnapshot, stableName } from '@freshet/core'
import pg from 'pg'
import { captureByWal } from './capture-wal.ts'
import { measurement, milliseconds } from './measurement.ts'
import { processorTime } from './processor-time.ts'
import { createOrders, insertOrders } from './shop.ts'
import type { Bench } from './stand.ts'

/**
 * What capture costs writers. The same statements on two equal tables with two indexes, one of them captured (three
 * columns), in turn, on one server. Ratio: cost against no capture; time for bulk statements, time per statement for
 * single rows. The best of several rounds counts on either side: neighbours only ever add. Of bulk statements the
 * backend's processor time is given too, which says the same on a busy machine.
 */
const BULK_ROWS = 100_000
const BULK_ROUNDS = 7
const CLIENTS = 4
/** Statements under way for each client: one, as an application's connection has it, or pipelined. */
const IN_FLIGHT = { 'one at a time': 1, pipelined: 32 } as const
const SINGLE_MS = 1_500
const SINGLE_ROUNDS = 8

const TABLES = { plain: 'orders_plain', captured: 'orders_captured' } as const
type Side = keyof typeof TABLES

export async function capture(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  for (const table of Object.values(TABLES)) {
    bench.say(`filling ${table}`)
    await createOrders(client, table, bench.rows)
  }
  await bench.freshet.create({
    name: 'captured',
    query: `select customer_id, product_id, sum(quantity) as quantity from ${TABLES.captured} group by 1, 2`,
    schedule: 'manual',
  })
  await bulk(bench, client)
  await single(bench, client)
  await captureByWal(bench, client)
}

async function bulk(bench: Bench, client: pg.Client): Promise<void> {
  const first = bench.rows + 1
  const range = `id between ${first} and ${first + BULK_ROWS - 1}`
  const statements: Readonly<Record<string, (table: string) => string>> = {
    'bulk insert': (table) => insertOrders(table, first, BULK_ROWS),
    'bulk update': (table) => `update ${table} set quantity = quantity + 1 where ${range}`,
    'bulk delete': (table) => `delete from ${table} where ${range}`,
  }
  const figures = new Map<string, Record<Side, number[]>>()
  const note = (figure: string, side: Side, value: number) => {
    const known = figures.get(figure) ?? { plain: [], captured: [] }
    known[side].push(value)
    figures.set(figure, known)
  }
  const cpu = bench.local ? () => processorTime(client) : () => Promise.resolve(0)
  for (let round = 0; round < BULK_ROUNDS; round++) {
    bench.say(`bulk statements of ${BULK_ROWS} rows, round ${round + 1} of ${BULK_ROUNDS}`)
    // who goes first takes turns, for the one that follows finds other caches
    for (const side of turns(round)) {
      await client.query(`vacuum ${TABLES[side]}`)
      await client.query('checkpoint')
      for (const [name, statement] of Object.entries(statements)) {
        const before = await cpu()
        note(`${name}|${BULK_ROWS} rows`, side, await milliseconds(() => client.query(statement(TABLES[side]))))
        if (bench.local) note(`${name}|processor time`, side, (await cpu()) - before)
      }
    }
    await emptyBuffers(bench, client)
  }
  for (const [figure, { plain, captured }] of figures) {
    const [name = '', metric = ''] = figure.split('|')
    const [value, baseline] = [Math.min(...captured), Math.min(...plain)]
    bench.report(
      measurement({ suite: 'capture', case: name, metric, value, unit: 'ms', baseline, ratio: value / baseline }),
    )
  }
}

/** Prepared statements over the wire, each its own transaction; asynchronous commit, so that nothing hides behind the disk. */
async function single(bench: Bench, client: pg.Client): Promise<void> {
  const cases: Readonly<Record<string, (table: string, id: number, any: number) => pg.QueryConfig>> = {
    'single insert': (table, id) => ({
      name: `insert ${table}`,
      text: `insert into ${table} values ($1, 1 + $1::bigint % 10000, 1 + $1::bigint % 1000, 1, 'sold', 'a note', now())`,
      values: [id],
    }),
    'single update': (table, _id, any) => ({
      name: `update ${table}`,
      text: `update ${table} set quantity = quantity + 1 where id = $1`,
      values: [any],
    }),
  }
  let id = bench.rows + BULK_ROWS * 10
  for (const [manner, inFlight] of Object.entries(IN_FLIGHT)) {
    const clients = await Promise.all(
      Array.from({ length: CLIENTS }, async () => {
        const connection = new pg.Client({ connectionString: bench.database.url, pipeline: inFlight > 1 })
        await connection.connect()
        await connection.query('set synchronous_commit = off')
        return connection
      }),
    )
    try {
      for (const [name, statement] of Object.entries(cases)) {
        const rates: Record<Side, number[]> = { plain: [], captured: [] }
        for (let round = 0; round < SINGLE_ROUNDS; round++) {
          bench.say(`${name}, ${manner}, round ${round + 1} of ${SINGLE_ROUNDS}`)
          for (const side of turns(round)) {
            const next = () => statement(TABLES[side], ++id, 1 + Math.floor(Math.random() * bench.rows))
            rates[side].push(await throughput(clients, inFlight, next))
          }
          await emptyBuffers(bench, client)
        }
        const [value, baseline] = [Math.max(...rates.captured), Math.max(...rates.plain)]
        bench.report(
          measurement({
            suite: 'capture',
            case: name,
            metric: `${CLIENTS} clients, ${manner}`,
            value,
            unit: 'statements/s',
            baseline,
            ratio: baseline / value,
          }),
        )
      }
    } finally {
      await Promise.all(clients.map((connection) => connection.end()))
    }
  }
}

async function throughput(
  clients: readonly pg.Client[],
  inFlight: number,
  next: () => pg.QueryConfig,
): Promise<number> {
  const started = performance.now()
  const until = started + SINGLE_MS
  let done = 0
  const lane = async (client: pg.Client) => {
    while (performance.now() < until) {
      await client.query(next())
      done++
    }
  }
  await Promise.all(clients.flatMap((client) => Array.from({ length: inFlight }, () => lane(client))))
  return done / ((performance.now() - started) / 1000)
}

/** As after a refresh: what was captured is trimmed. */
async function emptyBuffers(bench: Bench, client: pg.Client): Promise<void> {
  const { capture: port, database } = bench.freshet
  const { rows: snapshots } = await client.query<{ now: string }>('select pg_current_snapshot()::text as now')
  const now = parseSnapshot(snapshots[0]?.now ?? '')
  let trimmed = 0
  for (let more = 1; more > 0; trimmed += more)
    more = await port.trim(database, stableName('public', TABLES.captured), now, 100_000)
  if (trimmed === 0) throw new Error('nothing was captured')
  const { rows } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class where relnamespace = 'freshet_changes'::regnamespace and relkind = 'r'`,
  )
  for (const { name } of rows) await client.query(`vacuum ${name}`)
}

function turns(round: number): readonly Side[] {
  return round % 2 === 0 ? ['plain', 'captured'] : ['captured', 'plain']
}
