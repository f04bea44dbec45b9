import { createFreshet, type Freshet } from '@freshet/client'
import type { Database, Queryable } from '@freshet/core'
import type { CitusWorld } from './world.ts'

/** Freshet on a world's database, and what it sends inside of transactions. */
export function listening({ own }: CitusWorld): { readonly freshet: Freshet; readonly sent: string[] } {
  const sent: string[] = []
  const heard = (inner: Queryable): Queryable => ({
    query: (statement, options) => {
      sent.push(statement.text)
      return inner.query(statement, options)
    },
    batch: (statements, options) => {
      sent.push(...statements.map(({ text }) => text))
      return inner.batch(statements, options)
    },
  })
  const { database } = own
  const listened: Database = {
    query: (statement, options) => database.query(statement, options),
    batch: (statements, options) => database.batch(statements, options),
    session: (work) =>
      database.session((inner) =>
        work({
          query: (statement, options) => inner.query(statement, options),
          batch: (statements, options) => inner.batch(statements, options),
          identity: inner.identity,
          pooled: inner.pooled,
          transaction: (task, options) =>
            inner.transaction((transaction, opened) => task(heard(transaction), opened), options),
          notices: (listener) => inner.notices(listener),
          listen: (channel, said) => inner.listen(channel, said),
        }),
      ),
    transaction: (work, options) =>
      database.transaction((transaction, opened) => work(heard(transaction), opened), options),
    close: () => database.close(),
  }
  return { freshet: createFreshet(listened, { databaseUrl: own.url }), sent }
}
