import type { Draws } from './draw.ts'
import {
  COLOURS,
  CONTAINERS,
  INSTRUCTIONS,
  MODES,
  NATIONS,
  PRIORITIES,
  REGIONS,
  SEGMENTS,
  TYPES,
  WORDS,
} from './words.ts'

/**
 * Rows of each table as INSERT … SELECT over a series of keys: for the first fill, and for rows that come later.
 *
 * Distributions are the specification's. Where an even draw would leave a query without rows at small scales, a share
 * of the rows is drawn for it: one order in a thousand is large (Q18), one part in a hundred is of the brands,
 * containers and sizes that Q17 and Q19 ask for, one supplier in a hundred is complained of (Q16), one order in a
 * hundred has special requests (Q13), and the few suppliers of a small scale are of the nations that queries name.
 */
export interface Sizes {
  readonly supplier: number
  readonly customer: number
  readonly part: number
  readonly orders: number
}

export function sizesAt(scale: number): Sizes {
  const at = (rows: number, least: number) => Math.max(least, Math.round(rows * scale))
  return { supplier: at(10_000, 8), customer: at(150_000, 30), part: at(200_000, 40), orders: at(1_500_000, 100) }
}

/** `select` over this has a column `k` with the keys. */
export function series(first: number | string, last: number | string): string {
  return `select k from generate_series((${first})::bigint, (${last})::bigint) as k`
}

/** Order keys are sparse: the first eight of each thirty-two. */
export function orderKeys(first: number | string, last: number | string): string {
  return `select (k - 1) / 8 * 32 + (k - 1) % 8 + 1 as k from (${series(first, last)}) as i`
}

/** The number of the order with the greatest key. */
export const LAST_ORDER = `select coalesce(max((o_orderkey - 1) / 32 * 8 + (o_orderkey - 1) % 32 + 1), 0) from orders`

export const REGION_ROWS = `values ${REGIONS.map((name, i) => `(${i}, '${name}', 'ironic packages')`).join(', ')}`
export const NATION_ROWS = `values ${NATIONS.map(([name, region], i) => `(${i}, '${name}', ${region}, 'regular ideas')`).join(', ')}`

/** Nations in the order in which suppliers are given to them: first those that queries name. */
const SUPPLIER_NATIONS = [7, 6, 3, 20, 2, 12, 8, 18, 9, 21, 19, 22, 23, 24, 1, 17, 0, 4, 5, 10, 11, 13, 14, 15, 16]

export function insertSuppliers(draw: Draws, keys: string): string {
  const nation = `(array[${SUPPLIER_NATIONS.join(',')}])[1 + k % ${SUPPLIER_NATIONS.length}]`
  return `
    insert into supplier
    select k, 'Supplier#' || lpad(k::text, 9, '0'), ${draw.words('k', 's_address', WORDS, 2)}, n,
      ${phone(draw, 's_phone')}, ${draw.int('k', 's_acctbal', -99_999, 999_999)} / 100.0, ${supplierComment(draw, 'k')}
    from (${keys}) as keys cross join lateral (select ${nation} as n) as nations`
}

export function supplierComment(draw: Draws, key: string): string {
  const plain = draw.words(key, 's_comment', WORDS, 4)
  return `case when ${draw.int(key, 'complaint', 1, 100)} = 1 then 'blithely Customer bold Complaints' else ${plain} end`
}

export function insertCustomers(draw: Draws, keys: string): string {
  return `
    insert into customer
    select k, 'Customer#' || lpad(k::text, 9, '0'), ${draw.words('k', 'c_address', WORDS, 2)}, n,
      ${phone(draw, 'c_phone')}, ${draw.int('k', 'c_acctbal', -99_999, 999_999)} / 100.0,
      ${draw.pick('k', 'c_mktsegment', SEGMENTS)}, ${draw.words('k', 'c_comment', WORDS, 7)}
    from (${keys}) as keys cross join lateral (select ${draw.int('k', 'c_nationkey', 0, 24)} as n) as nations`
}

function phone(draw: Draws, name: string): string {
  const digits = (part: number, low: number, high: number) => draw.int('k', `${name}.${part}`, low, high)
  return `(10 + n) || '-' || ${digits(1, 100, 999)} || '-' || ${digits(2, 100, 999)} || '-' || ${digits(3, 1000, 9999)}`
}

/** Brand, container and largest size that Q19, and Q17 with the second of them, ask for. */
const WANTED = [
  [12, 'SM BOX', 5],
  [23, 'MED BOX', 10],
  [34, 'LG BOX', 15],
] as const

export function insertParts(draw: Draws, keys: string): string {
  const wanted = (values: readonly string[], otherwise: string) =>
    `case when k % 100 = 0 then (array[${values.join(', ')}])[1 + k / 100 % 3] else ${otherwise} end`
  const brand = wanted(
    WANTED.map(([number]) => `${number}`),
    `${draw.int('k', 'mfgr', 1, 5)} * 10 + ${draw.int('k', 'brand', 1, 5)}`,
  )
  const container = wanted(
    WANTED.map(([, name]) => `'${name}'`),
    CONTAINERS.map((words, i) => draw.pick('k', `container.${i}`, words)).join(` || ' ' || `),
  )
  const size = wanted(
    WANTED.map(([, , largest]) => draw.int('k', 'size', 1, largest)),
    draw.int('k', 'size', 1, 50),
  )
  return `
    insert into part
    select k, ${draw.words('k', 'p_name', COLOURS, 5)}, 'Manufacturer#' || brand / 10, 'Brand#' || brand,
      ${partType(draw, 'k')}, ${size}, ${container}, ${retailPrice('k')}, ${draw.words('k', 'p_comment', WORDS, 1)}
    from (${keys}) as keys cross join lateral (select ${brand} as brand) as brands`
}

export function partType(draw: Draws, key: string): string {
  return TYPES.map((words, i) => draw.pick(key, `type.${i}`, words)).join(` || ' ' || `)
}

function retailPrice(part: string): string {
  return `(90000 + ${part} / 10 % 20001 + 100 * (${part} % 1000)) / 100.0`
}

/** The four suppliers of a part, `i` from 0 to 3; different ones at any scale. */
function supplierOf(part: string, i: string, suppliers: number): string {
  return `((${part} + (${part} - 1) / ${suppliers} + (${i}) * ${Math.floor(suppliers / 4)}) % ${suppliers} + 1)`
}

export function insertPartSuppliers(draw: Draws, keys: string, sizes: Sizes): string {
  const key = '(k * 4 + i)'
  return `
    insert into partsupp
    select k, ${supplierOf('k', 'i', sizes.supplier)}, ${draw.int(key, 'ps_availqty', 1, 9_999)},
      ${draw.int(key, 'ps_supplycost', 100, 100_000)} / 100.0, ${draw.words(key, 'ps_comment', WORDS, 12)}
    from (${keys}) as keys cross join generate_series(0, 3) as i`
}

const LAST_ORDER_DAY = 2_405
/** The day up to which everything has arrived. */
const TODAY = `date '1995-06-17'`

/** Orders with their lines, in one statement. */
export function insertOrders(draw: Draws, keys: string, sizes: Sizes): string {
  const line = '(k * 8 + n)'
  const large = `(${draw.int('k', 'large', 1, 1_000)} = 1)`
  return `
    with lines as (
      insert into lineitem
      select k, part, ${supplierOf('part', draw.int(line, 'supplier', 0, 3), sizes.supplier)}, n, quantity,
        quantity * ${retailPrice('part')}, ${draw.int(line, 'l_discount', 0, 10)} / 100.0,
        ${draw.int(line, 'l_tax', 0, 8)} / 100.0,
        case when received > ${TODAY} then 'N' else ${draw.pick(line, 'l_returnflag', ['R', 'A'])} end,
        case when shipped > ${TODAY} then 'O' else 'F' end,
        shipped, ordered + ${draw.int(line, 'commit', 30, 90)}::int, received,
        ${draw.pick(line, 'l_shipinstruct', INSTRUCTIONS)}, ${draw.pick(line, 'l_shipmode', MODES)},
        ${draw.words(line, 'l_comment', WORDS, 3)}
      from (${keys}) as keys
        cross join lateral (select ${large} as large, ${orderDate(draw, 'k')} as ordered) as o
        cross join lateral generate_series(1, case when large then 7 else ${draw.int('k', 'lines', 1, 7)} end) as n
        cross join lateral (
          select ${draw.int(line, 'part', 1, sizes.part)} as part, ordered + ${draw.int(line, 'ship', 1, 121)}::int as shipped,
            case when large then ${draw.int(line, 'l_quantity', 44, 50)} else ${draw.int(line, 'l_quantity', 1, 50)} end as quantity
        ) as l
        cross join lateral (select shipped + ${draw.int(line, 'receive', 1, 30)}::int as received) as r
      returning l_orderkey as k, l_linestatus, round(l_extendedprice * (1 + l_tax) * (1 - l_discount), 2) as price
    )
    insert into orders
    select k, ${customerOf(draw, 'k', sizes)}, case when min(l_linestatus) = max(l_linestatus) then min(l_linestatus) else 'P' end,
      sum(price), ${orderDate(draw, 'k')}, ${draw.pick('k', 'o_orderpriority', PRIORITIES)},
      'Clerk#' || lpad(${draw.int('k', 'clerk', 1, 1_000)}::text, 9, '0'), 0, ${orderComment(draw, 'k')}
    from lines group by k`
}

export function orderDate(draw: Draws, key: string): string {
  return `date '1992-01-01' + ${draw.int(key, 'o_orderdate', 0, LAST_ORDER_DAY)}::int`
}

/** A third of the customers never orders. */
export function customerOf(draw: Draws, key: string, sizes: Sizes): string {
  const any = draw.int(key, 'o_custkey', 1, sizes.customer)
  return `${any} - (${any} % 3 = 0)::int`
}

export function orderComment(draw: Draws, key: string): string {
  const plain = draw.words(key, 'o_comment', WORDS, 5)
  return `case when ${draw.int(key, 'wish', 1, 100)} = 1 then 'slyly special packages requests' else ${plain} end`
}
