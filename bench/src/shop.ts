import type pg from 'pg'

/** Customers, products, and a million orders with two indexes. */
const CUSTOMERS = 10_000
const PRODUCTS = 1_000

export async function createShop(client: pg.Client, orders: number): Promise<void> {
  await client.query(`
    create table customers (id int primary key, name text not null, region text not null);
    create table products (id int primary key, name text not null, price numeric(10, 2) not null);
    insert into customers select i, 'customer ' || i, 'region ' || i % 20 from generate_series(1, ${CUSTOMERS}) as i;
    insert into products select i, 'product ' || i, 1 + i % 100 + 0.99 from generate_series(1, ${PRODUCTS}) as i`)
  await createOrders(client, 'orders', orders)
  await client.query('vacuum (analyze) customers; ').then(() => client.query('vacuum (analyze) products'))
}

export async function createOrders(client: pg.Client, table: string, orders: number): Promise<void> {
  await client.query(`
    create table ${table} (id bigint primary key, customer_id int not null, product_id int not null,
      quantity int not null, status text not null, note text, ordered_at timestamptz not null)`)
  await client.query(`${insertOrders(table, 1, orders)}`)
  await client.query(`create index on ${table} (customer_id)`)
  await client.query(`create index on ${table} (product_id)`)
  await client.query(`vacuum (analyze) ${table}`)
}

/** Spread over customers and products by multiplication with a prime: even, and the same in each run. */
export function insertOrders(table: string, first: number, count: number): string {
  return `
    insert into ${table}
    select i, 1 + i * 7919 % ${CUSTOMERS}, 1 + i * 104729 % ${PRODUCTS}, 1 + i % 9,
      case i % 10 when 0 then 'returned' else 'sold' end, 'note ' || i, '2026-01-01'::timestamptz + i * interval '1 second'
    from generate_series(${first}::bigint, ${first + count - 1}::bigint) as i`
}
