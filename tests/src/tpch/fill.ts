import type pg from 'pg'
import { draws } from './draw.ts'
import {
  insertCustomers,
  insertOrders,
  insertParts,
  insertPartSuppliers,
  insertSuppliers,
  NATION_ROWS,
  orderKeys,
  REGION_ROWS,
  series,
  sizesAt,
  type Sizes,
} from './rows.ts'
import { CREATE_INDEXES, CREATE_TABLES, TABLES } from './schema.ts'

/** Creates and fills the eight tables at a scale factor (1 is about a gigabyte), with indexes and statistics. */
export async function createTpch(client: pg.Client, scale: number, seed = 1): Promise<Sizes> {
  const sizes = sizesAt(scale)
  const draw = draws(seed)
  const parts = series(1, sizes.part)
  await client.query(CREATE_TABLES)
  const fills = [
    `insert into region ${REGION_ROWS}`,
    `insert into nation ${NATION_ROWS}`,
    insertSuppliers(draw, series(1, sizes.supplier)),
    insertCustomers(draw, series(1, sizes.customer)),
    insertParts(draw, parts),
    insertPartSuppliers(draw, parts, sizes),
    insertOrders(draw, orderKeys(1, sizes.orders), sizes),
  ]
  for (const fill of fills) await client.query(fill)
  await client.query(CREATE_INDEXES)
  for (const table of TABLES) await client.query(`vacuum (analyze) ${table}`)
  return sizes
}
