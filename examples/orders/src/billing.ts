import { connect } from '@freshet/core'
import { consumeInbox, readKafka } from '@freshet/relay'
import { askedToEnd, required } from './environment.ts'
import { writeInvoice } from './invoices.ts'

/** Billing: what Kafka has of the topic `orders` goes into the inbox, and from there each message into an invoice. */
const database = await connect({ url: required('BILLING_DATABASE_URL'), applicationName: 'billing' })
const tell = (what: string) => process.stderr.write(`billing: ${what}\n`)

const reader = await readKafka(database, 'billing.inbox', {
  brokers: [required('KAFKA')],
  group: 'billing',
  topics: ['orders'],
  // the group waits for a member that was killed as long as this
  sessionTimeoutMs: 6_000,
  onFailure: ({ message }) => tell(message),
})
const consumer = await consumeInbox(database, 'billing.inbox', writeInvoice, {
  onFailure: ({ message, error, dead }) => tell(`${message.id} ${dead ? 'is dead' : 'failed'}: ${error.message}`),
})
process.stdout.write('Billing reads the topic orders\n')
await Promise.race([askedToEnd(), reader.ended, consumer.ended])
await reader.stop()
await consumer.stop()
await database.close()
