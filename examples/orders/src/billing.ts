import { connect, type Database, raw, sql } from '@freshet/core'
import { consumeInbox, type Handler, receiveFromKafka } from '@freshet/relay'
import { orderPlaced, TOPIC } from './order.ts'

/**
 * Billing, with a database of its own: an invoice for each order, and what each customer owes. The invoice, the sum and the
 * mark that the message is processed are one transaction, so money is counted once, however often a message comes.
 */
export interface Billing {
  /** Throws what ended it. */
  readonly ended: Promise<void>
  stop(): Promise<void>
}

export async function startBilling(databaseUrl: string, broker: string): Promise<Billing> {
  const database = await connect({ url: databaseUrl, applicationName: 'billing' })
  await createBillingTables(database)
  const receiver = await receiveFromKafka(database, 'inbox', {
    brokers: [broker],
    topics: [TOPIC],
    group: 'billing',
    sessionTimeoutMs: 6_000,
    onInterruption: ({ message }) => console.error(message),
  })
  const consumer = await consumeInbox(database, 'inbox', invoice, {
    onFailure: ({ message, error, dead }) =>
      console.error(`${dead ? 'gave up' : 'will try again'}: ${message.id}: ${error.message}`),
  })
  const parts = [receiver, consumer]
  return {
    ended: Promise.race(parts.map(({ ended }) => ended)),
    stop: async () => {
      const stopped = await Promise.allSettled(parts.map((part) => part.stop()))
      await database.close()
      for (const part of stopped) if (part.status === 'rejected') throw part.reason
    },
  }
}

async function createBillingTables(database: Database): Promise<void> {
  await database.query(
    raw(`
    create table if not exists invoice (
      id bigint generated always as identity primary key,
      order_id uuid not null unique,
      customer text not null,
      number int not null,
      total numeric(12, 2) not null
    )`),
  )
  await database.query(
    raw('create table if not exists account (customer text primary key, owed numeric(12, 2) not null)'),
  )
}

const invoice: Handler = async ({ value }, transaction) => {
  const { order, customer, number, total } = orderPlaced.parse(JSON.parse(String(value)))
  await transaction.query(sql`
    insert into invoice (order_id, customer, number, total)
    values (${order}::uuid, ${customer}, ${number}::int, ${total}::numeric)`)
  await transaction.query(sql`
    insert into account as a (customer, owed) values (${customer}, ${total}::numeric)
    on conflict (customer) do update set owed = a.owed + excluded.owed`)
}
