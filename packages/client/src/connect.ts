import { changeCapture, type ShardCollector, shardCollector, type WalStream, walStream } from '@freshet/cdc'
import {
  connect as connectDatabase,
  type Database,
  FreshetError,
  migrate,
  raw,
  type RefreshOutcome,
  requireSchema,
  setEventTriggers,
  toFreshetError,
  trimBuffer,
} from '@freshet/core'
import {
  alterStreamTable,
  cancelAlteration,
  citusStatus,
  createRefresher,
  createStreamTable,
  describeStreamTables,
  type Description as StreamTable,
  dropStreamTable,
  dump,
  examine,
  explain,
  findDefinition,
  findStreamTable,
  historyOf,
  loadDefinition,
  pauseGate,
  pauseStreamTable,
  type RefreshContext,
  removeAbandonedShadows,
  repair,
  restore,
  resumeGate,
  resumeStreamTable,
  slaSummary,
  statusOf,
  verifyStreamTable,
} from '@freshet/refresh'
import { follow, type FollowOptions } from './feed/follow.ts'
import { feedPoller } from './feed/poller.ts'
import { type Feeds, subscribe, unsubscribe } from './feed/subscribe.ts'
import type { Freshet, RefreshRequest, StreamEvent } from './freshet.ts'
import { refreshOrder, withUpstream } from './order.ts'
import { withPatience } from './patience.ts'
import { streamTableHandle } from './stream-table.ts'

type ByHand = Omit<RefreshRequest, 'upstream'>

export interface ConnectOptions {
  readonly databaseUrl: string
  /** Connections at most. Default 10; creating takes up to three at a time, altering five. */
  readonly poolSize?: number
  /** Shown in pg_stat_activity. Default `freshet`. */
  readonly applicationName?: string
}

/** Change rows that a refresh by hand removes at most afterwards. */
const TRIM_ROWS = 10_000

const FEED_POLL_MS = 100

/** Connects to a database, by its URL alone or with options. Nothing is created before `init()`. */
export async function connect(to: string | ConnectOptions): Promise<Freshet> {
  const { databaseUrl, ...rest } = typeof to === 'string' ? { databaseUrl: to } : to
  return createFreshet(await connectDatabase({ url: databaseUrl, ...rest }), { databaseUrl })
}

/**
 * Wires the packages together over a database port; `close()` closes it. With the URL, it can also read the stream of
 * changes that sources captured by WAL need; without, another process must.
 */
export function createFreshet(database: Database, { databaseUrl }: Partial<ConnectOptions> = {}): Freshet {
  const context: RefreshContext = { database, capture: changeCapture() }
  const refresher = createRefresher(context)
  const feeds: Feeds = {
    context,
    poller: feedPoller(database, { pollMs: FEED_POLL_MS }),
    reading: new Map(),
    open: new Set(),
    lingering: new Set(),
  }

  const get = async (id: number): Promise<StreamTable> => {
    const [table] = await describeStreamTables(database, id)
    if (table === undefined) throw new FreshetError('UNKNOWN_STREAM_TABLE', `there is no stream table ${id} any more`)
    return table
  }
  /** Looked at once: a process that found its schema keeps it. */
  let installed = false
  const requireInstalled = async () => {
    if (!installed) await requireSchema(database)
    installed = true
  }

  let stream: WalStream | undefined
  let collector: ShardCollector | undefined
  const startStream = (listener?: (event: StreamEvent) => void) => {
    if (databaseUrl === undefined) return
    stream ??= walStream({ database, databaseUrl, ...(listener === undefined ? {} : { listener }) })
  }
  /** Whoever refreshes needs the stream to be read, by this process when no other does. */
  const requireStream = async () => {
    if (stream === undefined && (await context.capture.stream(database))?.active === false) startStream()
  }

  /** Where nobody schedules, whoever refreshes also removes what every reader has read. */
  const refreshByHand = async (id: number, name: string, { patienceMs, ...options }: ByHand) => {
    await requireStream()
    const outcome = await withPatience(name, () => refresher.refresh(id, options), patienceMs)
    if (outcome.action !== 'none') {
      const { plan, emits, stableName } = await loadDefinition(database, id)
      const read = plan.sources.map((source) => source.stableName)
      for (const name of emits ? [...read, stableName] : read)
        await trimBuffer(database, context.capture, name, TRIM_ROWS)
    }
    return outcome
  }

  /** What these tables read, and then they. Returns what became of the last. */
  const refreshWithUpstream = async (names: readonly string[], { full = false, ...options }: ByHand) => {
    const ids = await Promise.all(names.map((name) => findStreamTable(database, name)))
    let last: RefreshOutcome | undefined
    for (const { id, name } of withUpstream(await describeStreamTables(database), ids)) {
      try {
        last = await refreshByHand(id, name, { ...options, full: full && ids.includes(id) })
      } catch (error) {
        throw ids.includes(id) ? error : told(`${name}, which it reads`, toFreshetError(error))
      }
    }
    if (last === undefined) throw new FreshetError('UNKNOWN_STREAM_TABLE', 'no stream table was named')
    return last
  }

  const freshet: Freshet = {
    database,
    refresher,
    capture: context.capture,
    async init({ eventTriggers } = {}) {
      const report = await migrate(database)
      if (eventTriggers !== undefined) await setEventTriggers(database, eventTriggers)
      return { applied: report.applied, schemaVersion: report.schemaVersion }
    },
    async create(spec, progress) {
      await requireInstalled()
      await requireStream()
      const definition = await createStreamTable(context, spec, progress)
      return get(definition.id)
    },
    async alter(name, change, progress) {
      await requireInstalled()
      await requireStream()
      const { id, lockedMs } = await alterStreamTable(context, name, change, progress)
      return { ...(await get(id)), lockedMs }
    },
    async cancelAlter(name) {
      await requireInstalled()
      await cancelAlteration(context, name)
    },
    async drop(name, dropOptions) {
      await requireInstalled()
      return dropStreamTable(context, name, dropOptions)
    },
    async list() {
      await requireInstalled()
      return describeStreamTables(database)
    },
    async get(name) {
      await requireInstalled()
      return get(await findStreamTable(database, name))
    },
    async refresh(name, { upstream = false, ...refreshOptions } = {}) {
      await requireInstalled()
      if (upstream) return refreshWithUpstream([name], refreshOptions)
      return refreshByHand(await findStreamTable(database, name), name, refreshOptions)
    },
    async writeAndRefresh(names, work) {
      await requireInstalled()
      const written = typeof names === 'string' ? [names] : names
      // a name that is not known is found before anything is written
      for (const name of written) await findStreamTable(database, name)
      const result = await database.transaction(async (transaction) => {
        await transaction.query(raw('set local idle_in_transaction_session_timeout to default')) // it is the caller's
        return work(transaction)
      })
      try {
        // every refresh begins after the commit, so its snapshot holds what was written
        await refreshWithUpstream(written, {})
      } catch (error) {
        throw told('what was written is committed', toFreshetError(error))
      }
      return result
    },
    async refreshAll(refreshOptions = {}) {
      await requireInstalled()
      const tables = (await describeStreamTables(database)).filter(
        (table) => table.status === 'active' || table.status === 'paused',
      )
      const results: { name: string; outcome: RefreshOutcome }[] = []
      const failures: { readonly name: string; readonly error: FreshetError }[] = []
      for (const { id, name } of refreshOrder(tables)) {
        try {
          results.push({ name, outcome: await refreshByHand(id, name, refreshOptions) })
        } catch (error) {
          failures.push({ name, error: toFreshetError(error) })
        }
      }
      const [first] = failures
      if (first === undefined) return results
      const detail = `${failures.length} of ${tables.length} failed: ${failures.map((failure) => failure.name).join(', ')}`
      throw told(first.name, first.error, detail)
    },
    async verify(name) {
      await requireInstalled()
      await requireStream()
      return verifyStreamTable(context, name)
    },
    async explain(subject) {
      await requireInstalled()
      return explain(database, subject)
    },
    async pause(name) {
      await requireInstalled()
      await pauseStreamTable(context, name)
    },
    async resume(name) {
      await requireInstalled()
      await requireStream()
      await resumeStreamTable(context, name)
    },
    async pauseCapture(gate) {
      await requireInstalled()
      return pauseGate(context, gate)
    },
    async resumeCapture(gate) {
      await requireInstalled()
      return resumeGate(context, gate)
    },
    async status(name) {
      await requireInstalled()
      return statusOf(database, name === undefined ? null : await findStreamTable(database, name))
    },
    async history(historyOptions = {}) {
      await requireInstalled()
      const definition = historyOptions.name === undefined ? null : await findDefinition(database, historyOptions.name)
      return historyOf(database, definition, historyOptions.limit ?? 50)
    },
    async citusStatus() {
      await requireInstalled()
      return citusStatus(database)
    },
    async slaSummary(window) {
      await requireInstalled()
      return slaSummary(database, window)
    },
    doctor: () => examine(context),
    async removeLeftovers() {
      await requireInstalled()
      return (await removeAbandonedShadows(context)).map(({ subject, message }) => `${subject}: ${message}`)
    },
    repair: () => repair(context),
    dump: () => dump(context),
    restore: (document, progress) => restore(context, document, progress),
    startStream(listener) {
      startStream(listener)
      collector ??= shardCollector({ database, ...(listener === undefined ? {} : { listener }) })
    },
    async subscribe(name, options) {
      await requireInstalled()
      return subscribe(feeds, name, options)
    },
    async unsubscribe(token) {
      await requireInstalled()
      await unsubscribe(feeds, token)
    },
    async liveCopy<Row extends object>(name: string, options: FollowOptions | undefined) {
      await requireInstalled()
      return follow<Row>((how) => subscribe<Row>(feeds, name, how), options)
    },
    streamTable: (name) => streamTableHandle(freshet, name),
    async close() {
      await Promise.allSettled([...feeds.open].map((feed) => feed.close()))
      for (const timer of feeds.lingering) clearTimeout(timer)
      await collector?.stop()
      await stream?.stop()
      await database.close()
    },
  }
  return freshet
}

/** The same error, with the circumstances in its message. */
function told(circumstances: string, error: FreshetError, detail = error.detail): FreshetError {
  return new FreshetError(error.code, `${circumstances}: ${error.message}`, {
    cause: error,
    hint: error.hint ?? null,
    sqlState: error.sqlState,
    ...(detail === undefined ? {} : { detail }),
  })
}
