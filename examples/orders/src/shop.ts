import { outboxWriter } from '@freshet/relay'
import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { type OrderPlaced, TOPIC, type WantedOrder } from './order.ts'

/**
 * The shop: an order and the message about it are one transaction.
 *
 * The customer's row is locked before anything else, so the orders of a customer, and their messages, commit one after the
 * other; and an order that is asked for again, because its answer was lost, is found instead of made once more.
 */
interface Tables {
  readonly customer: { id: string; orders: number }
  readonly orders: { id: string; customer: string; number: number; total: string }
  readonly order_line: { order_id: string; line: number; sku: string; quantity: number; price: string }
}

export type Shop = Kysely<Tables>

export type Placed =
  | { readonly kind: 'new' | 'known'; readonly order: OrderPlaced }
  /** The id is another customer's order. */
  | { readonly kind: 'taken' }

export function openShop(databaseUrl: string): Shop {
  return new Kysely({ dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: databaseUrl, max: 10 }) }) })
}

export async function createShopTables(shop: Shop): Promise<void> {
  await sql`
    create table if not exists customer (id text primary key, orders int not null)`.execute(shop)
  await sql`
    create table if not exists orders (
      id uuid primary key,
      customer text not null references customer,
      number int not null,
      total numeric(12, 2) not null,
      unique (customer, number)
    )`.execute(shop)
  await sql`
    create table if not exists order_line (
      order_id uuid not null references orders,
      line int not null,
      sku text not null,
      quantity int not null,
      price numeric(12, 2) not null,
      primary key (order_id, line)
    )`.execute(shop)
}

const outbox = outboxWriter<OrderPlaced>('outbox')

export async function placeOrder(shop: Shop, id: string, { customer, lines }: WantedOrder): Promise<Placed> {
  return shop.transaction().execute(async (transaction) => {
    const { orders } = await transaction
      .insertInto('customer')
      .values({ id: customer, orders: 0 })
      // changes nothing, and locks the row
      .onConflict((conflict) => conflict.column('id').doUpdateSet({ orders: sql`customer.orders` }))
      .returning('orders')
      .executeTakeFirstOrThrow()
    const amounts = lines.map(({ quantity, price }) => sql`(${quantity}::int * ${price}::numeric(12, 2))`)
    const added = await transaction
      .insertInto('orders')
      .values({ id, customer, number: orders + 1, total: sql`${sql.join(amounts, sql` + `)}` })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .returningAll()
      .executeTakeFirst()
    if (added === undefined) {
      const known = await transaction.selectFrom('orders').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      return known.customer === customer ? { kind: 'known', order: placed(known) } : { kind: 'taken' }
    }
    await transaction.updateTable('customer').set({ orders: added.number }).where('id', '=', customer).execute()
    await transaction
      .insertInto('order_line')
      .values(lines.map((line, i) => ({ order_id: id, line: i + 1, ...line })))
      .execute()
    const order = placed(added)
    await outbox.send(transaction, { topic: TOPIC, key: customer, payload: order })
    return { kind: 'new', order }
  })
}

function placed({ id, customer, number, total }: Tables['orders']): OrderPlaced {
  return { order: id, customer, number, total }
}
