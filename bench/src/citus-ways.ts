import { setTimeout as sleep } from 'node:timers/promises'
import { createFreshet } from '@freshet/client'
import { bufferTable, type Lsn, openReplication, parseLsn, sql } from '@freshet/core'
import type { ClusterDatabase } from '@freshet/testkit'
import pg from 'pg'
import { type CitusBench, CLIENTS, createOrders, insertOrders, single } from './citus-orders.ts'
import { measurement, median, milliseconds, percentile } from './measurement.ts'

/**
 * The ways in which the changes of shards can come to Freshet (CITUS-BENCH), under the same load on tables alike:
 *
 *   none      nobody captures
 *   triggers  on the shards, into a table beside them, and a collector that brings them to the coordinator
 *   polled    a logical replication slot on each worker, asked every 50 ms, as often as the collector looks
 *   streamed  the same slots, each over a replication connection
 *
 * A change is there when it is in the log on the coordinator, or in this process. Whoever reads slots gets the bytes and does
 * nothing with them: the rest of the work is not in these figures.
 */
const WAYS = ['none', 'triggers', 'polled', 'streamed'] as const
type Way = (typeof WAYS)[number]

const ROUNDS = 3
const BULK_ROWS = 50_000
const MARKS = 60
const EVERY_MS = 50

/** Tells when a row of such an id has come. */
interface Reader extends AsyncDisposable {
  seen(id: number): Promise<void>
}

export async function ways({ report, say }: CitusBench, own: ClusterDatabase): Promise<void> {
  const client = await own.client()
  await client.query(`select run_command_on_all_nodes('alter system set citus.enable_change_data_capture to on')`)
  await client.query(`select run_command_on_all_nodes('select pg_reload_conf()')`)
  for (const way of WAYS) await prepare(client, way)
  const figures = new Map<string, Map<Way, number[]>>()
  const note = (name: string, way: Way, value: number) => {
    const known = figures.get(name) ?? new Map<Way, number[]>()
    known.set(way, [...(known.get(way) ?? []), value])
    figures.set(name, known)
  }
  const lags = new Map<Way, number[]>()
  for (let round = 1; round <= ROUNDS; round++)
    for (const way of WAYS) {
      say(`${way}, round ${round} of ${ROUNDS}`)
      const first = 1_000_000 * round
      await using reader = await readerOf(own, way)
      note('bulk insert', way, await milliseconds(() => insertOrders(client, tableOf(way), first, BULK_ROWS)))
      note('single insert', way, await single(own, tableOf(way), first + 500_000))
      if (reader !== null)
        lags.set(way, [...(lags.get(way) ?? []), ...(await lagsOf(client, way, reader, first + 900_000))])
    }
  for (const [name, byWay] of figures) {
    const baseline = Math.min(...(byWay.get('none') ?? []))
    for (const [way, values] of byWay) {
      if (way === 'none') continue
      const value = Math.min(...values)
      const load = name === 'single insert' ? `${CLIENTS} clients` : `${BULK_ROWS} rows`
      const fields = { suite: 'citus', case: `ways, ${name}`, metric: `${way}, ${load}`, unit: 'ms' }
      report(measurement({ ...fields, value, baseline, ratio: value / baseline }))
    }
  }
  for (const [way, values] of lags)
    for (const [metric, value] of [
      ['p50', median(values)],
      ['p99', percentile(values, 0.99)],
    ] as const)
      report(
        measurement({
          suite: 'citus',
          case: 'ways, until it is there',
          metric: `${way}, ${metric}`,
          value,
          unit: 'ms',
        }),
      )
}

function tableOf(way: Way): string {
  return `orders_${way}`
}

async function prepare(client: pg.Client, way: Way): Promise<void> {
  await createOrders(client, tableOf(way), 100_000)
  if (way !== 'polled' && way !== 'streamed') return
  await client.query(`alter table ${tableOf(way)} replica identity full`)
  await client.query(`create publication ${tableOf(way)} for table ${tableOf(way)}`)
}

/** From the commit of a row on, one row after the other. */
async function lagsOf(client: pg.Client, way: Way, reader: Reader, first: number): Promise<readonly number[]> {
  const lags: number[] = []
  for (let id = first; id < first + MARKS; id++) {
    await insertOrders(client, tableOf(way), id, 1)
    lags.push(await milliseconds(() => reader.seen(id)))
    await sleep(Math.random() * EVERY_MS)
  }
  return lags
}

async function readerOf(own: ClusterDatabase, way: Way): Promise<(Reader & AsyncDisposable) | null> {
  switch (way) {
    case 'none':
      return null
    case 'triggers':
      return collected(own)
    case 'polled':
      return bySlots(own, way, poll)
    case 'streamed':
      return bySlots(own, way, stream)
  }
}

async function collected(own: ClusterDatabase): Promise<Reader> {
  const table = tableOf('triggers')
  const freshet = createFreshet(own.database, { databaseUrl: own.url })
  await freshet.create({
    name: 'captured',
    query: `select id from ${table}`,
    mode: 'differential',
    schedule: 'manual',
    placement: 'local',
  })
  freshet.startStream()
  const [source] = await own.database.query<{ name: string }>(
    sql`select stable_name as name from freshet.source where relation = to_regclass(${table})`,
  )
  const log = bufferTable(source?.name ?? '')
  return {
    seen: async (id) => {
      for (;;) {
        const found = await own.database.query(sql`select from ${log} where id = ${id} limit 1`)
        if (found.length > 0) return
        await sleep(2)
      }
    },
    async [Symbol.asyncDispose]() {
      await freshet.refresh('captured')
      await freshet.drop('captured')
    },
  }
}

/** Reads what a slot has, until it is told to end. */
type Reading = (url: string, way: Way, from: Lsn, signal: AbortSignal, take: (message: Buffer) => void) => Promise<void>

async function bySlots(own: ClusterDatabase, way: Way, read: Reading): Promise<Reader> {
  const arrived = new Set<number>()
  const ending = new AbortController()
  const take = (message: Buffer) => {
    const id = idOf(message)
    if (id !== null) arrived.add(id)
  }
  const workers = await Promise.all(own.workerUrls.map((url) => own.client(url)))
  const reading = await Promise.all(
    workers.map(async (worker, i) => {
      const { rows } = await worker.query<{ lsn: string }>(
        `select lsn::text from pg_create_logical_replication_slot('${tableOf(way)}', 'pgoutput')`,
      )
      return { running: read(own.workerUrls[i] ?? '', way, parseLsn(rows[0]?.lsn ?? '0/0'), ending.signal, take) }
    }),
  )
  return {
    seen: async (id) => {
      while (!arrived.has(id)) await sleep(1)
    },
    async [Symbol.asyncDispose]() {
      ending.abort()
      await Promise.all(reading.map(({ running }) => running))
      for (const worker of workers) {
        const slot = [tableOf(way)]
        await worker.query(
          'select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where slot_name = $1',
          slot,
        )
        await worker.query('select pg_drop_replication_slot($1)', slot)
        await worker.end()
      }
    },
  }
}

const PLUGIN = (way: Way) => ({ proto_version: '1', publication_names: tableOf(way) })

async function poll(url: string, way: Way, _from: Lsn, signal: AbortSignal, take: (message: Buffer) => void) {
  const client = new pg.Client(url)
  await client.connect()
  const options = Object.entries(PLUGIN(way)).flatMap((pair) => pair.map((text) => `'${text}'`))
  const statement = `select data from pg_logical_slot_get_binary_changes('${tableOf(way)}', null, null, ${options.join(', ')})`
  try {
    while (!signal.aborted) {
      const { rows } = await client.query<{ data: Buffer }>(statement)
      for (const { data } of rows) take(data)
      await sleep(EVERY_MS)
    }
  } finally {
    await client.end()
  }
}

async function stream(url: string, way: Way, from: Lsn, signal: AbortSignal, take: (message: Buffer) => void) {
  const changes = await openReplication({ url, slot: tableOf(way), from, pluginOptions: PLUGIN(way), decode: take })
  const closed = new Promise<void>((resolve, reject) => {
    signal.addEventListener('abort', () => void changes.close().then(resolve, reject))
  })
  try {
    for (;;) for (const item of await changes.next()) if (item.kind === 'position') changes.confirm(item.position)
  } catch (error) {
    if (!signal.aborted) throw error
  }
  await closed
}

const INSERT = 'I'.charCodeAt(0)
/** Of pgoutput's message: kind, relation, 'N', number of columns; then of each column kind, length and text. */
const LENGTH_AT = 1 + 4 + 1 + 2 + 1

/** The first column of a row that was inserted; null for other messages. */
function idOf(message: Buffer): number | null {
  if (message[0] !== INSERT) return null
  const length = message.readInt32BE(LENGTH_AT)
  return Number(message.toString('latin1', LENGTH_AT + 4, LENGTH_AT + 4 + length))
}
