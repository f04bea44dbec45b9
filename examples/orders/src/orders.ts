import { type OutboxWriter, outboxWriter } from '@freshet/relay'
import type { Generated, Kysely } from 'kysely'
import { z } from 'zod'

/**
 * Placing an order. The order and the message about it are one transaction: there is never one without the other, and nobody
 * has to tell Kafka anything.
 */
export interface Shop {
  'shop.orders': { readonly id: Generated<string>; readonly customer: string; readonly total: string }
  'shop.customers': { readonly name: string; readonly credit: string }
}

/** Money is text: JavaScript's numbers would lose cents. */
export const order = z.strictObject({
  customer: z.string().min(1),
  total: z.string().regex(/^\d{1,9}(\.\d{1,2})?$/, 'must be an amount such as 12.50'),
})

export type Order = z.infer<typeof order>

export interface OrderPlaced extends Order {
  readonly order: string
}

const outbox: OutboxWriter<OrderPlaced> = outboxWriter('shop.outbox')

/** Null: the customer has not that much credit. Then nothing was ordered, and nobody is told. */
export async function placeOrder(shop: Kysely<Shop>, { customer, total }: Order): Promise<string | null> {
  return shop
    .transaction()
    .execute(async (transaction) => {
      const { id } = await transaction
        .insertInto('shop.orders')
        .values({ customer, total })
        .returning('id')
        .executeTakeFirstOrThrow()
      // orders of a customer wait for each other here, so their messages have the order of their commits
      const { numUpdatedRows: charged } = await transaction
        .updateTable('shop.customers')
        .set(({ eb }) => ({ credit: eb('credit', '-', total) }))
        .where('name', '=', customer)
        .where('credit', '>=', total)
        .executeTakeFirstOrThrow()
      await outbox.send(transaction, { topic: 'orders', key: customer, payload: { order: id, customer, total } })
      if (charged === 0n) throw new NoCredit()
      return id
    })
    .catch((error: unknown) => {
      if (error instanceof NoCredit) return null
      throw error
    })
}

class NoCredit extends Error {}
