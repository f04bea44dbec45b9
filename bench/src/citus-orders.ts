import type { ClusterDatabase } from '@freshet/testkit'
import type pg from 'pg'
import type { Report } from './measurement.ts'

export interface CitusBench {
  readonly rows: number
  readonly report: Report
  readonly say: (line: string) => void
}

/** The table that is written to on a cluster, and how. */
export const CLIENTS = 4
const SINGLE_MS = 1_500
const WARM_UP = 2_000
const CUSTOMERS = 10_000

export async function createOrders(client: pg.Client, table: string, rows: number): Promise<void> {
  await client.query(
    `create table ${table} (id bigint, customer int, product int, amount numeric, note text, primary key (customer, id))`,
  )
  await client.query(`select create_distributed_table('${table}', 'customer')`)
  await insertOrders(client, table, 1, rows)
  await client.query(`analyze ${table}`)
}

export async function insertOrders(client: pg.Client, table: string, first: number, rows: number): Promise<void> {
  await client.query(`insert into ${table}
    select i, 1 + i % ${CUSTOMERS}, 1 + i % 1000, i % 100, 'a note' from generate_series(${first}, ${first + rows - 1}) i`)
}

/** Milliseconds for a statement, of so many that are under way at once; the first of each session on each shard are not counted. */
export async function single(own: ClusterDatabase, table: string, first: number): Promise<number> {
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => own.client()))
  await insertSingly(clients, table, first, () => false, WARM_UP)
  const until = performance.now() + SINGLE_MS
  const done = await insertSingly(clients, table, first + WARM_UP, () => performance.now() > until)
  await Promise.all(clients.map((client) => client.end()))
  return SINGLE_MS / done
}

/** Returns how many. */
async function insertSingly(
  clients: readonly pg.Client[],
  table: string,
  first: number,
  isOver: () => boolean,
  count = Infinity,
): Promise<number> {
  let done = 0
  await Promise.all(
    clients.map(async (client) => {
      while (done < count && !isOver()) {
        const id = first + ++done
        await client.query({
          name: `insert ${table}`,
          text: `insert into ${table} values ($1::bigint, 1 + $1::bigint % ${CUSTOMERS}, 1, 1, 'a note')`,
          values: [id],
        })
      }
    }),
  )
  return done
}
