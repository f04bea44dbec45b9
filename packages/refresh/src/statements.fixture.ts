import type { Database, Queryable, Session } from '@freshet/core'

/** A database that remembers what was sent to it, in order: one entry a round trip, those of transactions included. */
export function recorded(database: Database): { readonly database: Database; readonly sent: string[] } {
  const sent: string[] = []
  const queryable = <T extends Queryable>(inner: T): Queryable => ({
    query: (statement, options) => {
      sent.push(statement.text)
      return inner.query(statement, options)
    },
    batch: (statements) => {
      sent.push(statements.map(({ text }) => text).join(';\n'))
      return inner.batch(statements)
    },
  })
  const framed = async <T>(work: () => Promise<T>): Promise<T> => {
    sent.push('begin')
    const result = await work()
    sent.push('commit')
    return result
  }
  const session = (inner: Session): Session => ({
    ...queryable(inner),
    identity: inner.identity,
    pooled: inner.pooled,
    transaction: (work, options) =>
      framed(() => inner.transaction((transaction, opened) => work(queryable(transaction), opened), options)),
    notices: (listener) => inner.notices(listener),
    listen: (channel, heard) => inner.listen(channel, heard),
  })
  return {
    sent,
    database: {
      ...queryable(database),
      session: (work) => database.session((inner) => work(session(inner))),
      transaction: (work, options) =>
        framed(() => database.transaction((transaction, opened) => work(queryable(transaction), opened), options)),
      close: () => database.close(),
    },
  }
}
