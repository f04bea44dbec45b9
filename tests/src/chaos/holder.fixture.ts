import './skewed-clock.fixture.ts'
import { createFreshet } from '@freshet/client'
import { connect, type Database, isFreshetError, sql, tryLease } from '@freshet/core'

/**
 * A process that does one thing and says how it ended, `done` or the code of its error; what it holds at its end, it keeps
 * until it is told to go on:
 *
 *   refresh   a full refresh of `answer`; at its end the transaction has written, and not committed
 *   lease     a lease, and then a row in a transaction that it guards
 */
const database = await connect(process.argv[2] ?? '')
const goOn = () => new Promise<void>((resolve) => process.once('message', () => resolve()))

const works: Readonly<Record<string, () => Promise<unknown>>> = {
  refresh: () => createFreshet(stopping(database)).refresh('answer', { full: true, initiatedBy: 'holder' }),
  lease: async () => {
    const lease = await tryLease(database, 'thing')
    process.send?.('holding')
    await goOn()
    await lease?.guarded((transaction) => transaction.query(sql`insert into written values ('holder')`))
  },
}

process.once('message', (work) => {
  const told = works[String(work)]?.().then(
    () => 'done',
    (error: unknown) => (isFreshetError(error) ? error.code : String(error)),
  )
  void told?.then((outcome) => process.send?.(outcome))
})
process.send?.('ready')

/** Each transaction that has written to the history stops before its commit. */
function stopping(whole: Database): Database {
  const session: Database['session'] = (work) =>
    whole.session((own) =>
      work({
        identity: own.identity,
        pooled: own.pooled,
        query: (statement, options) => own.query(statement, options),
        batch: (statements, options) => own.batch(statements, options),
        notices: (listener) => own.notices(listener),
        listen: (channel, heard) => own.listen(channel, heard),
        transaction: (transacted, options) =>
          own.transaction(async (transaction, opened) => {
            const result = await transacted(transaction, opened)
            const [written] = await transaction.query(
              sql`select from freshet.refresh_history where initiated_by = 'holder'`,
            )
            if (written !== undefined) {
              process.send?.('holding')
              await goOn()
            }
            return result
          }, options),
      }),
    )
  return { ...whole, session, transaction: (work, options) => session((own) => own.transaction(work, options)) }
}
