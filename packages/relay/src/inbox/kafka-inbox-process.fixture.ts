import { connect, type Database, type Transacted, type TransactionOptions } from '@freshet/core'
import { readKafka } from './from-kafka.ts'

/**
 * A reader as a process of its own. At its n-th write into the inbox it is killed: before the rows are committed, or after that
 * and before the offset is. The port to the database is where it is struck, so the reader has no hooks for it.
 */
const [, , url = '', broker = '', group = '', strike = ''] = process.argv
const [when, n] = strike.split(' ')
const database = await connect({ url, poolSize: 3 })
let writes = 0

function die(): never {
  process.kill(process.pid, 'SIGKILL')
  throw new Error('it lives')
}

const struck: Database = {
  session: (use) => database.session(use),
  close: () => database.close(),
  query: (...args) => database.query(...args),
  batch: (...args) => database.batch(...args),
  transaction: async <T>(work: Transacted<T>, options?: TransactionOptions): Promise<T> => {
    const now = ++writes === Number(n)
    const answer = await database.transaction(async (transaction, opened) => {
      const done = await work(transaction, opened)
      if (now && when === 'before') die()
      return done
    }, options)
    if (now && when === 'after') die()
    return answer
  },
}

await readKafka(struck, 'inbox', { brokers: [broker], group, topics: ['orders'], sessionTimeoutMs: 1_000 })
process.send?.('reading')
