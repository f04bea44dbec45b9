import { z } from 'zod'

/**
 * What somebody asks for, and the message that tells of it. Money is text from one end to the other: a number of JavaScript
 * would not keep every cent.
 */
const money = z.string().regex(/^\d{1,10}(\.\d{1,2})?$/, 'an amount such as 12.50')

export const wantedOrder = z.strictObject({
  customer: z.string().min(1).max(100),
  lines: z
    .array(z.strictObject({ sku: z.string().min(1), quantity: z.int().min(1).max(1_000), price: money }))
    .min(1)
    .max(100),
})

export type WantedOrder = z.infer<typeof wantedOrder>

/** The payload of topic `orders`; its key is the customer. */
export const orderPlaced = z.strictObject({
  order: z.uuid(),
  customer: z.string(),
  /** The customer's first order is 1. */
  number: z.int(),
  total: money,
})

export type OrderPlaced = z.infer<typeof orderPlaced>

export const TOPIC = 'orders'
