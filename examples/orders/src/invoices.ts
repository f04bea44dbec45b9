import { type Queryable, sql } from '@freshet/core'
import type { Handler } from '@freshet/relay'
import { z } from 'zod'

/**
 * An invoice for each order. The handler writes through the transaction that marks its message as done, so it need not ask
 * whether it has seen it before: `billing.invoices` has no constraint that would catch a double.
 */
const placed = z.object({ order: z.string(), customer: z.string(), total: z.string() })

export const writeInvoice: Handler = async ({ value }, transaction) => {
  const { order, customer, total } = placed.parse(JSON.parse(String(value)))
  await insertInvoice(transaction, order, customer, total)
}

async function insertInvoice(transaction: Queryable, order: string, customer: string, total: string): Promise<void> {
  await transaction.query(
    sql`insert into billing.invoices (order_id, customer, amount) values (${order}, ${customer}, ${total}::numeric)`,
  )
}
