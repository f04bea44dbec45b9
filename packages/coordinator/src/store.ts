import {
  type Capture,
  type Database,
  readSettings,
  type Session,
  type Settings,
  sql,
  trimBuffer,
  type UnderSettings,
  withSessionSettings,
} from '@freshet/core'
import { cancelable } from './cancelable.ts'
import { type CatalogTable, readCatalog } from './catalog.ts'
import { type Observed, pruneFreshness, recordFreshness } from './freshness.ts'
import { type Inspection, inspectSources } from './inspect.ts'
import {
  type Awaited,
  awaitCommit,
  currentSnapshot,
  POLL_SETTINGS,
  type PollAnswer,
  pollBuffers,
  pollPlan,
  refreshAges,
} from './poll.ts'
import { pruneHistory } from './prune.ts'
import { type Failure, type FailurePolicy, type FailureRecord, recordFailure, recordSuccess } from './record.ts'

/**
 * The port from the loop to everything that it asks of the database, so that the loop's decisions can be tested under a
 * clock that is turned by hand. `databaseStore` is the real one.
 */
export interface Store {
  /** Lends one connection to poll on, until `work` ends. */
  polling<T>(work: (poller: Poller) => Promise<T>): Promise<T>
  /** Null when the table is gone. */
  recordFailure(policy: FailurePolicy, failure: Failure): Promise<FailureRecord | null>
  recordSuccess(streamTable: number): Promise<void>
  /** Removes consumed change rows of one source, at most `limit`; returns how many. */
  trim(stableName: string, limit: number): Promise<number>
  /** History, and how long changes waited: one batch, which the signal cancels in the server. */
  prune(retentionMs: number, limit: number, signal: AbortSignal): Promise<number>
  recordFreshness(observed: readonly Observed[]): Promise<void>
  /** Sends the announcements that were held back long enough; true when some still are. */
  announce(): Promise<boolean>
  /** Looks at the capture of every source. */
  inspect(): Promise<Inspection>
  /** Removes what processes that ended too early have left on the server; says what that was. */
  clear(): Promise<readonly string[]>
}

export interface Poller {
  settings(): Promise<Settings>
  catalog(): Promise<readonly CatalogTable[]>
  snapshot(): Promise<string>
  /** Waits until the snapshot is another than `known`, which is looked at every so often; or for so long at most. */
  commit(known: string, everyMs: number, atMostMs: number): Promise<Awaited>
  /** About the sources in the last catalog read. */
  poll(ids: readonly number[]): Promise<PollAnswer>
  ages(ids: readonly number[]): Promise<ReadonlyMap<number, number | null>>
}

export function databaseStore(
  database: Database,
  capture: Capture,
  removeLeftovers: () => Promise<readonly string[]> = () => Promise.resolve([]),
): Store {
  return {
    polling: (work) =>
      database.session((session) =>
        withSessionSettings(session, POLL_SETTINGS, (under) => work(sessionPoller(session, under))),
      ),
    recordFailure: (policy, failure) => recordFailure(database, policy, failure),
    recordSuccess: (streamTable) => recordSuccess(database, streamTable),
    trim: (stableName, limit) => trimBuffer(database, capture, stableName, limit),
    prune: (retentionMs, limit, signal) =>
      cancelable(database, signal, async (transaction) => {
        const rows = await pruneHistory(transaction, retentionMs, limit)
        return rows === limit ? rows : rows + (await pruneFreshness(transaction, retentionMs, limit - rows))
      }),
    recordFreshness: (observed) => recordFreshness(database, observed),
    announce: async () => {
      const [row] = await database.query<{ held: boolean }>(sql`select freshet.announce_held(null) as held`, {
        prepared: true,
      })
      return row?.held === true
    },
    inspect: () => inspectSources(database, capture),
    clear: async () => [...(await capture.removeLeftovers(database)), ...(await removeLeftovers())],
  }
}

function sessionPoller(session: Session, under: UnderSettings): Poller {
  let plan = pollPlan([])
  return {
    settings: () => readSettings(session),
    catalog: async () => {
      const tables = await readCatalog(session)
      plan = pollPlan(tables)
      return tables
    },
    snapshot: () => currentSnapshot(session),
    commit: (known, everyMs, atMostMs) => awaitCommit(session, known, everyMs, atMostMs),
    poll: (ids) => under((queryable) => pollBuffers(queryable, plan, ids)),
    ages: (ids) => refreshAges(session, ids),
  }
}
