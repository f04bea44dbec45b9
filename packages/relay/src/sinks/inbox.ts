import { connect, type Database, FreshetError, toFreshetError } from '@freshet/core'
import { createInbox, type Inbox, receiveDurably } from '../inbox/inbox.ts'
import type { Sink } from '../sink.ts'

/** An inbox in this or another PostgreSQL database. At least once by the contract; the inbox keeps each event once by its id. */
export interface InboxSinkOptions {
  readonly databaseUrl: string
  /** It is created where it is missing. */
  readonly table: string
}

export function inboxSink({ databaseUrl, table }: InboxSinkOptions): Sink {
  let open: { readonly database: Database; readonly inbox: Inbox } | undefined
  return {
    guarantee: 'at least once',
    open: async () => {
      const database = await connect({ url: databaseUrl, poolSize: 2, applicationName: 'freshet-inbox' }).catch(away)
      try {
        open = { database, inbox: await createInbox(database, table) }
      } catch (error) {
        await database.close()
        throw error
      }
      return null
    },
    deliver: async (messages) => {
      if (open === undefined) throw new FreshetError('INTERNAL', `the inbox ${table} is not open`)
      const { database, inbox } = open
      const arrivals = messages.map((message) => ({ message, fault: null }))
      await receiveDurably(database, inbox, arrivals).catch(away)
    },
    close: async () => {
      await open?.database.close()
      open = undefined
    },
  }
}

/** What passes with the server's return is the sink's being away. */
function away(error: unknown): never {
  const known = toFreshetError(error)
  if (known.retry !== 'reconnect') throw known
  throw new FreshetError('SINK_UNAVAILABLE', `the database of the inbox can not be reached: ${known.message}`, {
    cause: error,
  })
}
