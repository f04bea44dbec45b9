import { draws, salt, type Draws } from './draw.ts'
import {
  customerOf,
  insertCustomers,
  insertOrders,
  insertParts,
  insertPartSuppliers,
  insertSuppliers,
  LAST_ORDER,
  NATION_ROWS,
  orderComment,
  orderDate,
  orderKeys,
  partType,
  REGION_ROWS,
  series,
  supplierComment,
  type Sizes,
} from './rows.ts'
import { CONTAINERS, MODES, SEGMENTS } from './words.ts'
import type { Table } from './schema.ts'

/**
 * One round of changes: a share of the rows of every table, a third of it new (RF1), a third updated, a third deleted
 * (RF2), so that tables keep their size. Statements in order, to be run one by one. What is drawn depends on the seed
 * and on the content alone.
 *
 * `everywhere`: at least one row of each kind in each table, nations and regions too; these are put right again at the
 * beginning of each round, so that names that queries ask for do not die out.
 */
export interface ChangeOptions {
  readonly sizes: Sizes
  readonly seed: number
  readonly fraction: number
  readonly everywhere: boolean
}

export function changeRound(options: ChangeOptions): readonly string[] {
  const draw = draws(options.seed)
  const { sizes, seed } = options
  const shares = (rows: number) => sharesOf(Math.round(rows * options.fraction), options.everywhere)
  const some = (table: Table, count: number, kind: string) => chosen(table, count, salt(seed, `${table}.${kind}`))
  const orders = shares(sizes.orders)
  const lines = shares(sizes.orders * 4)
  const parts = shares(sizes.part)
  const pairs = shares(sizes.part * 4)
  const suppliers = shares(sizes.supplier)
  const customers = shares(sizes.customer)
  const newParts = `select k from generate_series((select max(p_partkey) + 1 from part)::bigint, (select max(p_partkey) + ${parts.inserted} from part)::bigint) as k`
  const statements: readonly (readonly [count: number, statement: string])[] = [
    [
      orders.inserted,
      insertOrders(draw, orderKeys(`(${LAST_ORDER}) + 1`, `(${LAST_ORDER}) + ${orders.inserted}`), sizes),
    ],
    [orders.deleted, deleteOrders(some('orders', orders.deleted, 'delete'))],
    [orders.updated, updateOrders(draw, some('orders', orders.updated, 'update'), sizes)],
    [lines.updated, reprice(draw, some('lineitem', Math.ceil(lines.updated / 2), 'reprice'))],
    [lines.updated, delay(draw, some('lineitem', Math.floor(lines.updated / 2), 'delay'))],
    [lines.updated, resupply(draw, some('lineitem', Math.ceil(lines.updated / 10), 'resupply'), sizes)],
    [parts.inserted, insertParts(draw, newParts)],
    [
      parts.inserted,
      insertPartSuppliers(
        draw,
        `select p_partkey as k from part where not exists (select from partsupp where ps_partkey = p_partkey) order by 1 desc limit ${parts.inserted}`,
        sizes,
      ),
    ],
    [parts.updated, updateParts(draw, some('part', parts.updated, 'update'))],
    [parts.deleted, `delete from part where ${some('part', parts.deleted, 'delete')}`],
    [pairs.updated, updatePartSuppliers(draw, some('partsupp', pairs.updated, 'update'))],
    [pairs.deleted, `delete from partsupp where ${some('partsupp', pairs.deleted, 'delete')}`],
    [suppliers.inserted, insertSuppliers(draw, next('supplier', 's_suppkey', suppliers.inserted))],
    [suppliers.updated, updateSuppliers(draw, some('supplier', suppliers.updated, 'update'))],
    [suppliers.deleted, `delete from supplier where ${some('supplier', suppliers.deleted, 'delete')}`],
    [customers.inserted, insertCustomers(draw, next('customer', 'c_custkey', customers.inserted))],
    [customers.updated, updateCustomers(draw, some('customer', customers.updated, 'update'))],
    [customers.deleted, `delete from customer where ${some('customer', customers.deleted, 'delete')}`],
  ]
  const due = statements.filter(([count]) => count > 0).map(([, statement]) => statement)
  return options.everywhere ? [...HEAL, ...due, ...disturb(draw, seed)] : due
}

interface Shares {
  readonly updated: number
  readonly inserted: number
  readonly deleted: number
}

function sharesOf(rows: number, everywhere: boolean): Shares {
  const least = everywhere ? 1 : 0
  const updated = Math.max(least, Math.ceil(rows / 3))
  const inserted = Math.max(least, Math.ceil((rows - updated) / 2))
  return { updated, inserted, deleted: Math.max(least, rows - updated - inserted) }
}

const KEYS: Readonly<Record<Table, string>> = {
  region: 'r_regionkey',
  nation: 'n_nationkey',
  supplier: 's_suppkey',
  customer: 'c_custkey',
  part: 'p_partkey',
  partsupp: 'ps_partkey::bigint * 100000000 + ps_suppkey',
  orders: 'o_orderkey',
  lineitem: 'l_orderkey * 8 + l_linenumber',
}

/** A condition that so many rows meet, anywhere in the table. */
function chosen(table: Table, count: number, by: number): string {
  return `ctid = any (array(select ctid from ${table} order by hashint8extended(${KEYS[table]}, ${by}) limit ${count}))`
}

function next(table: Table, key: string, count: number): string {
  const last = `select coalesce(max(${key}), 0) from ${table}`
  return series(`(${last}) + 1`, `(${last}) + ${count}`)
}

function deleteOrders(where: string): string {
  return `
    with gone as (delete from orders where ${where} returning o_orderkey)
    delete from lineitem using gone where l_orderkey = o_orderkey`
}

function updateOrders(draw: Draws, where: string, sizes: Sizes): string {
  const key = 'o_orderkey'
  return `
    update orders set
      o_orderdate = case when ${draw.int(key, 'moved', 1, 4)} = 1 then ${orderDate(draw, key)} else o_orderdate end,
      o_custkey = case when ${draw.int(key, 'sold', 1, 4)} = 1 then ${customerOf(draw, key, sizes)} else o_custkey end,
      o_orderstatus = case o_orderstatus when 'P' then 'F' when 'F' then 'P' else 'P' end,
      o_orderpriority = case o_orderpriority when '1-URGENT' then '3-MEDIUM' else '1-URGENT' end,
      o_totalprice = o_totalprice + ${draw.int(key, 'fee', -500, 500)} / 100.0,
      o_comment = ${orderComment(draw, key)}
    where ${where}`
}

const LINE = '(l_orderkey * 8 + l_linenumber)'

function reprice(draw: Draws, where: string): string {
  const quantity = draw.int(LINE, 'l_quantity', 1, 50)
  return `
    update lineitem set l_quantity = ${quantity}, l_extendedprice = round(l_extendedprice / l_quantity * ${quantity}, 2),
      l_discount = ${draw.int(LINE, 'l_discount', 0, 10)} / 100.0
    where ${where}`
}

function delay(draw: Draws, where: string): string {
  const days = draw.int(LINE, 'delay', -30, 60)
  return `
    update lineitem set l_shipdate = l_shipdate + ${days}::int, l_receiptdate = l_receiptdate + ${days}::int,
      l_returnflag = ${draw.pick(LINE, 'l_returnflag', ['R', 'A', 'N'])}, l_shipmode = ${draw.pick(LINE, 'l_shipmode', MODES)}
    where ${where}`
}

function resupply(draw: Draws, where: string, sizes: Sizes): string {
  return `
    update lineitem set l_suppkey = ${draw.int(LINE, 'l_suppkey', 1, sizes.supplier)},
      l_partkey = case when ${draw.int(LINE, 'other part', 1, 2)} = 1 then ${draw.int(LINE, 'l_partkey', 1, sizes.part)} else l_partkey end
    where ${where}`
}

function updateParts(draw: Draws, where: string): string {
  return `
    update part set p_type = ${partType(draw, 'p_partkey')}, p_size = ${draw.int('p_partkey', 'p_size', 1, 50)},
      p_container = case when ${draw.int('p_partkey', 'packed', 1, 2)} = 1 then ${draw.pick('p_partkey', 'size', CONTAINERS[0])} || ' BOX' else p_container end,
      p_name = case when p_name like 'forest%' then 'green ' || substr(p_name, 8) else 'forest ' || p_name end
    where ${where} and length(p_name) < 48`
}

function updatePartSuppliers(draw: Draws, where: string): string {
  const key = '(ps_partkey::bigint * 100000000 + ps_suppkey)'
  return `
    update partsupp set ps_availqty = ${draw.int(key, 'ps_availqty', 1, 9_999)},
      ps_supplycost = ${draw.int(key, 'ps_supplycost', 100, 100_000)} / 100.0
    where ${where}`
}

function updateSuppliers(draw: Draws, where: string): string {
  return `
    update supplier set s_acctbal = s_acctbal + ${draw.int('s_suppkey', 's_acctbal', -9_999, 9_999)} / 100.0,
      s_nationkey = case when ${draw.int('s_suppkey', 'moved', 1, 2)} = 1 then ${draw.int('s_suppkey', 's_nationkey', 0, 24)} else s_nationkey end,
      s_comment = ${supplierComment(draw, 's_suppkey')}
    where ${where}`
}

function updateCustomers(draw: Draws, where: string): string {
  const nation = draw.int('c_custkey', 'c_nationkey', 0, 24)
  return `
    update customer set c_acctbal = c_acctbal + ${draw.int('c_custkey', 'c_acctbal', -9_999, 9_999)} / 100.0,
      c_mktsegment = ${draw.pick('c_custkey', 'c_mktsegment', SEGMENTS)},
      c_nationkey = ${nation}, c_phone = (10 + ${nation}) || substr(c_phone, 3)
    where ${where}`
}

const HEAL = [
  `insert into region select * from (${REGION_ROWS}) as v
   on conflict (r_regionkey) do update set r_name = excluded.r_name where region.r_name <> excluded.r_name`,
  `insert into nation select * from (${NATION_ROWS}) as v
   on conflict (n_nationkey) do update set n_name = excluded.n_name, n_regionkey = excluded.n_regionkey
   where (nation.n_name, nation.n_regionkey) <> (excluded.n_name, excluded.n_regionkey)`,
]

/** Every second round, nations move, swap names or vanish, and a region or two. */
function disturb(draw: Draws, seed: number): readonly string[] {
  if (seed % 2 === 1) return []
  const swapped = (name: string) => `(array[6, 7, 3, 20, 2])[${draw.int('1', name, 1, 5)}]`
  return [
    `update nation set n_name = (select o.n_name from nation o where o.n_nationkey = ${swapped('a')} + ${swapped('b')} - nation.n_nationkey)
     where n_nationkey in (${swapped('a')}, ${swapped('b')})`,
    `update nation set n_regionkey = ${draw.int('n_nationkey', 'n_regionkey', 0, 4)} where ${chosen('nation', 2, salt(seed, 'nation'))}`,
    `delete from nation where ${chosen('nation', 1, salt(seed, 'nation gone'))}`,
    `update region set r_comment = ${draw.pick('r_regionkey', 'r_comment', ['a', 'b', 'c'])}`,
    `update region set r_name = (array['EUROPE', 'ASIA', 'AMERICA'])[array_position(array['ASIA', 'AMERICA', 'EUROPE'], r_name::text)]
     where r_name in ('EUROPE', 'ASIA', 'AMERICA')`,
    `delete from region where ${chosen('region', 1, salt(seed, 'region gone'))}`,
  ]
}
