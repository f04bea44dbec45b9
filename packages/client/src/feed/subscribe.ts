import { databaseWord, FreshetError, isFreshetError } from '@freshet/core'
import { closeSubscription, openSubscription, type OpenSubscription, type RefreshContext } from '@freshet/refresh'
import { setTimeout as sleep } from 'node:timers/promises'
import { startDelivery } from './delivery.ts'
import type { FeedPage, SubscribeOptions, Subscription } from './feed.ts'
import type { Poller } from './poller.ts'
import { type PageForm, type ReadPage, readLargeWindow, readSmallWindow, readTable } from './read.ts'
import type { Window } from './statements.ts'
import { parseToken, printToken, requireSameFeed } from './token.ts'

/** What the feeds of a process share: the connection that waits, and windows that are being read. */
export interface Feeds {
  readonly context: RefreshContext
  readonly poller: Poller
  readonly reading: Map<string, Promise<readonly ReadPage[] | null>>
  /** Those that have not ended. */
  readonly open: Set<Pick<Subscription<object>, 'close'>>
  /** Their readers have left, and may come back. */
  readonly lingering: Set<NodeJS.Timeout>
}

const PAGE_ROWS = 1_000

export async function subscribe<Row extends object>(
  feeds: Feeds,
  name: string,
  options: SubscribeOptions = {},
): Promise<Subscription<Row>> {
  const { from = 'snapshot' } = options
  const form = formOf(options)
  const { database } = feeds.context
  const word = await databaseWord(database)
  const resumed = typeof from === 'string' ? null : parseToken(from.token)
  const until = typeof from === 'string' || from.until === undefined ? null : parseToken(from.until)
  const feed = await openSubscription(feeds.context, name, resumed, (here) => {
    for (const position of [resumed, until])
      if (position !== null) requireSameFeed(position, { database: word, stableName: here })
  })
  feeds.poller.join()
  const ending = new AbortController()
  const { signal } = options
  const end = () => ending.abort()
  if (signal?.aborted === true) end()
  signal?.addEventListener('abort', end, { once: true })
  const state: Reading = { feeds, feed, word, options, form, until: until?.snapshot ?? null, signal: ending.signal }
  const pages = readFeed<Row>(state)
  let left: Promise<void> | undefined
  /** Once, when the iteration ends, however it does. */
  const leave = () => {
    feeds.open.delete(iterator)
    return (left ??= leaveFeed(state, end))
  }

  const iterator: Subscription<Row> = {
    name: feed.name,
    columns: feed.columns,
    keyColumns: feed.keyColumns,
    begins: from === 'snapshot' ? null : printToken({ database: word, ...feed }),
    [Symbol.asyncIterator]: () => iterator,
    next: async () => {
      try {
        const result = await pages.next()
        if (result.done === true) await leave()
        return result
      } catch (error) {
        // why it ended says more
        await Promise.allSettled([leave()])
        throw error
      }
    },
    return: async () => {
      end()
      await pages.return()
      await leave()
      return { done: true, value: undefined }
    },
    acknowledge: (token) => {
      const position = parseToken(token)
      requireSameFeed(position, { database: word, stableName: feed.stableName })
      feeds.poller.acknowledge(feed, position.snapshot)
    },
    close: async () => {
      await iterator.return?.()
    },
  }
  feeds.open.add(iterator)
  return iterator
}

/** Lets go of what a token of a durable subscription holds. */
export async function unsubscribe({ context }: Feeds, token: string): Promise<void> {
  const position = parseToken(token)
  requireSameFeed(position, { database: await databaseWord(context.database), stableName: position.stableName })
  await closeSubscription(context, position.id)
}

interface Reading {
  readonly feeds: Feeds
  readonly feed: OpenSubscription
  readonly word: string
  readonly options: SubscribeOptions
  readonly form: PageForm
  /** A snapshot at which the first batch ends. */
  readonly until: string | null
  readonly signal: AbortSignal
}

async function leaveFeed({ feeds, feed, options }: Reading, end: () => void): Promise<void> {
  options.signal?.removeEventListener('abort', end)
  feeds.poller.leave()
  const { durable = true, lingerMs = 0 } = options
  if (durable || lingerMs > 0) await feeds.poller.flush()
  if (durable) return
  if (lingerMs > 0) linger(feeds, feed.id, lingerMs)
  else await closeSubscription(feeds.context, feed.id)
}

/** Whoever comes back has taken the subscription's place by then. Should this process end first, its time limits it. */
function linger({ context, lingering }: Feeds, id: string, ms: number): void {
  const timer = setTimeout(() => {
    lingering.delete(timer)
    void Promise.allSettled([closeSubscription(context, id)])
  }, ms)
  timer.unref()
  lingering.add(timer)
}

async function* readFeed<Row>(reading: Reading): AsyncGenerator<FeedPage<Row>, void, void> {
  const { feeds, feed, word, options, form, signal } = reading
  const { database } = feeds.context
  const delivered = { database, word, feed }
  let at = feed.snapshot
  let { until } = reading
  if ((options.from ?? 'snapshot') === 'snapshot') {
    const delivery = startDelivery(delivered, null)
    for await (const { snapshot, ...page } of readTable(database, feed, form)) {
      await delivery.page(page)
      yield pageOf<Row>(reading, 'snapshot', page, snapshot)
      if (page.last) handled(reading, snapshot)
      at = snapshot
    }
  }
  while (!signal.aborted) {
    const window: Window | null =
      until === null ? await feeds.poller.next(feed, at, signal) : { from: at, to: until, readers: 1 }
    until = null
    if (window === null) return
    const delivery = startDelivery(delivered, window)
    const small = await patiently(signal, () => readShared(reading, window, form))
    if (signal.aborted) return
    for await (const page of small ?? readLargeWindow(database, feed, window, form)) {
      if (page.changes.length === 0) continue
      await delivery.page(page)
      yield pageOf<Row>(reading, 'changes', page, window.to)
      if (page.last) handled(reading, window.to)
    }
    at = window.to
  }
}

function formOf({ pageRows = PAGE_ROWS, pageBytes, rows = 'values' }: SubscribeOptions): PageForm {
  if (pageBytes !== undefined && rows !== 'json')
    throw new FreshetError('USAGE', 'bytes of a page are counted of rows as JSON', { hint: "Add rows: 'json'." })
  return { pageRows: Math.max(1, pageRows), rows, pageBytes: pageBytes ?? null }
}

/** The reader has asked for what follows. */
function handled({ feeds, feed, options }: Reading, snapshot: string): void {
  if (options.acknowledge !== 'explicit') feeds.poller.acknowledge(feed, snapshot)
}

function pageOf<Row>(
  { feed, word }: Reading,
  kind: FeedPage<Row>['kind'],
  { changes, last }: ReadPage,
  snapshot: string,
): FeedPage<Row> {
  const { stableName, id } = feed
  // the columns are what the server says they are; their types are what the caller says
  const rows = changes as FeedPage<Row>['changes']
  const until = printToken({ database: word, stableName, id, snapshot })
  return { kind, changes: rows, token: last ? until : null, until }
}

/** Feeds that wait for the same window read it together. */
function readShared({ feeds, feed }: Reading, window: Window, form: PageForm): Promise<readonly ReadPage[] | null> {
  const key = [feed.streamTable, window.from, window.to, form.pageRows, form.rows, form.pageBytes].join(' ')
  const known = feeds.reading.get(key)
  if (known !== undefined) return known
  const read = readSmallWindow(feeds.context.database, feed, window, form).finally(() => feeds.reading.delete(key))
  feeds.reading.set(key, read)
  return read
}

const PAUSE_MS = 200

/** A lost connection is waited for: nothing was given yet. */
async function patiently<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (signal.aborted || !isFreshetError(error) || (error.retry !== 'reconnect' && error.retry !== 'retry'))
        throw error
      await sleep(PAUSE_MS)
    }
  }
}
