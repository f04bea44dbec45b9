import { type Database, type Queryable, raw } from '@freshet/core'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'
import { connect, type ConnectOptions } from '../connect.ts'
import type { Freshet } from '../freshet.ts'
import type { FeedPage, Subscription } from './feed.ts'
import { liveCopyWriter } from './live-copy.ts'

const SALES = `
  create table sales (id int primary key, shop int not null, amount numeric(10, 2), note text);
  insert into sales select i, i % 5, i / 2.0, nullif('n' || i % 3, 'n0') from generate_series(1, 40) i`

/** Keyed, and one with real duplicates. */
export const STREAMS = {
  by_shop: 'select shop, sum(amount) as total, count(*) as n from sales group by shop',
  notes: 'select note, shop from sales where shop > 1',
} as const

export interface FeedWorld extends AsyncDisposable {
  readonly test: TestDatabase
  readonly database: Database
  readonly freshet: Freshet
  readonly run: (script: string) => Promise<void>
  readonly connect: (options?: Partial<ConnectOptions>) => Promise<Freshet>
}

/** The sales and their stream tables, refreshed by hand. */
export async function feedWorld(): Promise<FeedWorld> {
  const test = await createTestDatabase()
  const { database } = test
  const run = async (script: string) => void (await database.query(raw(script)))
  await run(SALES)
  const clients: Freshet[] = []
  const another = async (options: Partial<ConnectOptions> = {}) => {
    const client = await connect({ databaseUrl: test.url, ...options })
    clients.push(client)
    return client
  }
  const freshet = await another()
  for (const [name, query] of Object.entries(STREAMS)) await freshet.create({ name, query, schedule: 'manual' })
  return {
    test,
    database,
    freshet,
    run,
    connect: another,
    [Symbol.asyncDispose]: async () => {
      for (const client of clients) await client.close()
      await test.drop()
    },
  }
}

/** The next page; the feed must not be at its end. */
export async function next<Row>(subscription: Subscription<Row>): Promise<FeedPage<Row>> {
  const result = await subscription.next()
  if (result.done === true) throw new Error('the feed has ended')
  return result.value
}

/** What is said to have come, as text: sorted rows with their weights. */
export function weights(page: FeedPage<object>): string[] {
  return page.changes.map(({ weight, row }) => `${weight > 0 ? '+' : ''}${weight} ${JSON.stringify(row)}`).sort()
}

/** A copy that is written by hand, and whether it is the table. */
export function copyOf(database: Database, name: string) {
  const writer = liveCopyWriter<object>()
  return {
    ...writer,
    differs: async (): Promise<string[]> => {
      const held = await database.query<object>(raw(`select * from ${name}`))
      const shown = (rows: readonly object[]) => rows.map((row) => JSON.stringify(visible(row))).sort()
      const [expected, found] = [shown(held), shown(writer.copy.rows())]
      return expected.join('\n') === found.join('\n')
        ? []
        : [`${name} holds ${expected.length}, the copy ${found.length}`]
    },
  }
}

function visible(row: object): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !name.startsWith('__')))
}

/**
 * The same database, and what is sent to it, each statement with the session that it goes through. `before` may hold up a
 * batch of statements.
 */
export function observed(database: Database, before: (text: string) => Promise<void> = async () => undefined) {
  const sent: { readonly text: string; readonly session: object | null }[] = []
  const queryable = (inner: Queryable, session: object | null): Queryable => ({
    query: (statement, options) => {
      sent.push({ text: statement.text, session })
      return inner.query(statement, options)
    },
    batch: async (statements, options) => {
      for (const { text } of statements) {
        sent.push({ text, session })
        await before(text)
      }
      return inner.batch(statements, options)
    },
  })
  const observedDatabase: Database = {
    ...queryable(database, null),
    session: (work) =>
      database.session((inner) =>
        work({
          ...queryable(inner, inner.identity),
          identity: inner.identity,
          pooled: inner.pooled,
          transaction: (inside, options) =>
            inner.transaction((transaction, opened) => inside(queryable(transaction, inner.identity), opened), options),
          notices: (listener) => inner.notices(listener),
          listen: (channel, heard) => inner.listen(channel, heard),
        }),
      ),
    transaction: (work, options) =>
      database.transaction((inner, opened) => work(queryable(inner, null), opened), options),
    close: () => database.close(),
  }
  return { database: observedDatabase, sent: (part: string) => sent.filter(({ text }) => text.includes(part)) }
}
