import { connect, raw } from '@freshet/core'
import { createInbox, createOutbox } from '@freshet/relay'
import { required } from './environment.ts'

/** The tables of both databases. The shop's has Freshet's catalog already: `freshet init`. */
const shop = await connect({ url: required('SHOP_DATABASE_URL') })
await shop.query(raw('create schema shop'))
await shop.query(
  raw(`create table shop.orders (
    id bigint generated always as identity primary key, customer text not null, total numeric not null
  )`),
)
await shop.query(raw('create table shop.customers (name text primary key, credit numeric not null)'))
await shop.query(raw(`insert into shop.customers select 'customer-' || n, 5000 from generate_series(1, 10) n`))
await createOutbox(shop, { name: 'shop.outbox' })
await shop.close()

const billing = await connect({ url: required('BILLING_DATABASE_URL') })
await billing.query(raw('create schema billing'))
await billing.query(
  raw('create table billing.invoices (order_id text not null, customer text not null, amount numeric not null)'),
)
await createInbox(billing, 'billing.inbox')
await billing.close()
