import { connect } from '@freshet/core'
import { receiveFromKafka } from './receive-from-kafka.ts'

/** A receiver as a process of its own, to be killed: database, broker, topic. It says `ready` when it has joined its group. */
const [, , databaseUrl = '', broker = '', topic = ''] = process.argv
const database = await connect(databaseUrl)
await receiveFromKafka(database, 'inbox', {
  brokers: [broker],
  topics: [topic],
  group: `inbox of ${topic}`,
  sessionTimeoutMs: 6_000,
  onInterruption: ({ code, message }) => process.stderr.write(`receiver: ${code} ${message}\n`),
})
process.send?.('ready')
