import type { Database, Queryable, Sql } from '@freshet/core'

/** A database that tells every statement before it is sent, and waits until whoever hears of it lets it go. */
export type Heard = (statement: Sql, where: 'alone' | 'in transaction') => Promise<void>

export function observed(database: Database, heard: Heard): Database {
  const telling = <Q extends Queryable>(queryable: Q, where: 'alone' | 'in transaction'): Queryable => ({
    async query<Row>(...[statement, options]: Parameters<Queryable['query']>) {
      await heard(statement, where)
      return queryable.query<Row>(statement, options)
    },
    async batch(statements, options) {
      for (const statement of statements) await heard(statement, where)
      return queryable.batch(statements, options)
    },
  })
  const session: Database['session'] = (work) =>
    database.session((own) =>
      work({
        ...telling(own, 'alone'),
        identity: own.identity,
        pooled: own.pooled,
        notices: (listener) => own.notices(listener),
        listen: (channel, listener) => own.listen(channel, listener),
        transaction: (transacted, options) =>
          own.transaction((transaction, opened) => transacted(telling(transaction, 'in transaction'), opened), options),
      }),
    )
  return {
    ...telling(database, 'alone'),
    session,
    transaction: (work, options) => session((own) => own.transaction(work, options)),
    close: () => database.close(),
  }
}
