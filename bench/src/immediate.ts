import { isFreshetError } from '@freshet/core'
import { differences, random } from '@freshet/testkit'
import { createTpch, tpchQueries, type TpchQuery } from '@freshet/tests/tpch'
import pg from 'pg'
import { measurement, median, milliseconds } from './measurement.ts'
import type { Bench } from './stand.ts'

/**
 * What keeping a query of TPC-H inside the writer's transaction adds to that transaction: for an immediate stream table,
 * and for pg_ivm, where the server has it and it can keep the query. One kind of view at a time, transactions of one kind.
 * Ratio: what pg_ivm adds ÷ what this adds.
 *
 * A transaction brings some orders with their lines, takes as many away, and reprices a line of as many others: five
 * statements by key. After its transactions every view is compared with its query.
 */
export interface ImmediateOptions {
  readonly scale: number
  /** Names such as `q01`; all 22 when left out. */
  readonly queries?: readonly string[]
}

const SIZES = [1, 100] as const
const WARM = 6
const ROUNDS = 21

export function immediate({ scale, queries }: ImmediateOptions): (bench: Bench) => Promise<void> {
  return async (bench) => {
    const client = await bench.database.client()
    const other = await pgIvm(bench, client)
    bench.say(`filling scale factor ${scale}`)
    await createTpch(client, scale)
    const writer = await Writer.open(client)
    for (const query of tpchQueries(queries)) {
      const views = [NO_VIEW, streamTable(bench, query), ...(other ? [immv(client, query)] : [])]
      const times = new Map<string, ReadonlyMap<number, number>>()
      for (const view of views) {
        bench.say(`${query.name}: ${view.called}`)
        const refused = await view.create()
        if (refused !== null) {
          bench.say(`${view.called} can not keep ${query.name}: ${refused}`)
          continue
        }
        times.set(view.called, await writer.measure())
        await mustBeEqual(bench, view, query)
        await view.drop()
      }
      report(bench, query.name, times)
    }
  }
}

/** A way to keep the query while the writer writes. */
interface View {
  readonly called: string
  /** Null where it is there now; why it can not be, otherwise. */
  create(): Promise<string | null>
  /** Its name; null: there is nothing to compare. */
  readonly table: string | null
  drop(): Promise<void>
}

const NO_VIEW: View = {
  called: 'no view',
  create: () => Promise.resolve(null),
  table: null,
  drop: () => Promise.resolve(),
}

const [OWN, OTHER] = ['freshet', 'pg_ivm'] as const

function streamTable({ freshet }: Bench, { name, sql }: TpchQuery): View {
  return {
    called: OWN,
    table: name,
    create: async () => {
      try {
        await freshet.create({ name, query: sql, mode: 'immediate' })
        return null
      } catch (error) {
        if (isFreshetError(error, 'NOT_IMMEDIATE')) return error.message
        throw error
      }
    },
    drop: async () => void (await freshet.drop(name)),
  }
}

function immv(client: pg.Client, { name, sql }: TpchQuery): View {
  const table = `${name}_immv`
  return {
    called: OTHER,
    table,
    create: async () => {
      try {
        await client.query('select pgivm.create_immv($1, $2)', [table, withoutOrder(sql)])
        return null
      } catch (error) {
        if (error instanceof pg.DatabaseError) return error.message
        throw error
      }
    },
    drop: async () => void (await client.query(`drop table ${table}`)),
  }
}

/** It takes no ORDER BY, which means nothing to a table where no LIMIT follows it. */
function withoutOrder(query: string): string {
  return query.replace(/\norder by [^\n]*$/, '')
}

async function pgIvm({ say }: Bench, client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ version: string }>(
    `select default_version as version from pg_available_extensions where name = 'pg_ivm'`,
  )
  if (rows[0] === undefined) {
    say('pg_ivm is not compared: this server does not have it')
    return false
  }
  await client.query('create extension pg_ivm')
  say(`pg_ivm ${rows[0].version} is compared`)
  return true
}

async function mustBeEqual({ freshet, say }: Bench, { called, table }: View, query: TpchQuery): Promise<void> {
  if (table === null) return
  const found = await differences(freshet.database, table, query.sql)
  if (found.length === 0) return
  const finding = `${query.name} as ${called} kept it differs from its query in ${found.length} rows`
  if (called === OWN) throw new Error(finding)
  say(finding)
}

function report(bench: Bench, name: string, times: ReadonlyMap<string, ReadonlyMap<number, number>>): void {
  for (const size of SIZES) {
    const of = (called: string) => times.get(called)?.get(size)
    const [without, own, other] = [of(NO_VIEW.called), of(OWN), of(OTHER)]
    if (without === undefined || own === undefined) continue
    const fields = { suite: 'immediate', case: `${name.replace(/^q0?/, 'q')}, ${size} of each`, unit: 'ms' }
    bench.report(measurement({ ...fields, metric: 'transaction, no view', value: without }))
    const value = own - without
    const baseline = other === undefined ? undefined : other - without
    const compared = baseline === undefined ? {} : { baseline, ratio: baseline / value }
    bench.report(measurement({ ...fields, metric: 'added', value, ...compared }))
  }
}

/** Orders that come are copies of others, so that what is drawn stays as it was. */
class Writer {
  readonly #client: pg.Client
  readonly #orders: number[]
  readonly #draw = random(1)
  #next: number

  /** `orders`: keys, rising. */
  private constructor(client: pg.Client, orders: number[]) {
    this.#client = client
    this.#orders = orders
    this.#next = (orders.at(-1) ?? 0) + 1
  }

  static async open(client: pg.Client): Promise<Writer> {
    const { rows } = await client.query<{ key: number }>('select o_orderkey::int as key from orders order by 1')
    return new Writer(
      client,
      rows.map(({ key }) => key),
    )
  }

  /** Milliseconds of a transaction, by how many orders come, go and are repriced. */
  async measure(): Promise<ReadonlyMap<number, number>> {
    const medians = new Map<number, number>()
    for (const size of SIZES) {
      for (let i = 0; i < WARM; i++) await this.#transaction(size)
      const times: number[] = []
      for (let i = 0; i < ROUNDS; i++) times.push(await this.#transaction(size))
      medians.set(size, median(times))
    }
    return medians
  }

  async #transaction(size: number): Promise<number> {
    const some = () => Array.from({ length: size }, () => this.#orders[this.#draw.int(0, this.#orders.length - 1)] ?? 0)
    const like = some()
    const repriced = some()
    const gone = Array.from({ length: size }, () => this.#take())
    const keys = like.map(() => this.#next++)
    const work = [
      this.#statement(COPY_ORDERS, [keys, like]),
      this.#statement(COPY_LINES, [keys, like]),
      this.#statement('delete from lineitem where l_orderkey = any($1::bigint[])', [gone]),
      this.#statement('delete from orders where o_orderkey = any($1::bigint[])', [gone]),
      this.#statement(REPRICE, [repriced]),
    ]
    return milliseconds(async () => {
      await this.#client.query('begin')
      for (const each of work) await this.#client.query(each)
      await this.#client.query('commit')
      this.#orders.push(...keys)
    })
  }

  #take(): number {
    const at = this.#draw.int(0, this.#orders.length - 1)
    const last = this.#orders.pop() ?? 0
    const taken = this.#orders[at] ?? last
    if (at < this.#orders.length) this.#orders[at] = last
    return taken
  }

  #statement(text: string, values: readonly (readonly number[])[]): pg.QueryConfig {
    return { name: text.slice(0, 20), text, values: [...values] }
  }
}

const NEW = 'unnest($1::bigint[], $2::bigint[]) as new (key, alike)'

const COPY_ORDERS = `insert into orders
  select key, o_custkey, o_orderstatus, o_totalprice, o_orderdate, o_orderpriority, o_clerk, o_shippriority, o_comment
  from ${NEW} join orders on o_orderkey = alike`

const COPY_LINES = `insert into lineitem
  select key, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag,
    l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, l_comment
  from ${NEW} join lineitem on l_orderkey = alike`

const REPRICE = `update lineitem set l_discount = (l_discount * 100 + 1)::int % 11 / 100.0
  where l_orderkey = any($1::bigint[]) and l_linenumber = 1`
