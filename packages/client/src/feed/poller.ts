import {
  type Database,
  isFreshetError,
  type Session,
  toFreshetError,
  type UnderSettings,
  withSessionSettings,
} from '@freshet/core'
import { acknowledge, type OpenSubscription, touch } from '@freshet/refresh'
import { bell } from './bell.ts'
import { CURRENT_SNAPSHOT, type Place, pollStatement, type Window } from './statements.ts'

/**
 * One connection for all feeds of a process. A refresh that changed something and commits wakes it (NOTIFY); besides, it
 * looks from time to time, for immediate stream tables, for poolers that bring no notifications, and for whatever was
 * missed. A look is one statement about all who wait, however many they are; while the server's snapshot stays, a trivial
 * one. Who has nothing to read is moved to the snapshot of the look, so they all come to the same window, and read it once.
 *
 * Between looks it records what was acknowledged, and that those who wait are alive.
 */
export interface Poller {
  /** Counts a feed; the connection is there while there are any. */
  join(): void
  leave(): void
  /** The next window that may have changes; null when `signal` ends the waiting. */
  next(feed: OpenSubscription, snapshot: string, signal: AbortSignal): Promise<Window | null>
  acknowledge(feed: OpenSubscription, snapshot: string): void
  /** Records what was acknowledged and has not been yet. */
  flush(): Promise<void>
}

export interface PollerOptions {
  /** Between two looks. */
  readonly pollMs: number
}

const FLUSH_MS = 1_000
const TOUCH_MS = 30_000
const BACKOFF_MS = { first: 100, most: 5_000 }

interface Waiter {
  readonly feed: OpenSubscription
  snapshot: string
  readonly resolve: (window: Window | null) => void
  readonly reject: (error: unknown) => void
}

export function feedPoller(database: Database, { pollMs }: PollerOptions): Poller {
  const waiting = new Set<Waiter>()
  const acknowledged = new Map<string, string>()
  const news = bell()
  let members = 0
  let running = false
  /** A refresh was heard of since the last look. */
  let heard = false
  /** The snapshot of the last look. */
  let seen: string | null = null
  let flushAt = 0
  let touchAt = 0

  async function run(): Promise<void> {
    let failures = 0
    while (members > 0) {
      try {
        await database.session(async (session) => {
          await session.listen(CHANNEL, () => {
            heard = true
            news.ring()
          })
          await withSessionSettings(session, SETTINGS, async (under) => {
            while (members > 0) {
              await turn(session, under)
              failures = 0
              await news.wait(pollMs)
            }
          })
        })
      } catch (error) {
        const { retry } = toFreshetError(error)
        if (retry !== 'reconnect' && retry !== 'retry') refuse(error)
        const pause = Math.min(BACKOFF_MS.first * 2 ** failures++, BACKOFF_MS.most)
        await news.wait(pause * (0.5 + Math.random() / 2))
      }
    }
    running = false
  }

  async function turn(session: Session, under: UnderSettings): Promise<void> {
    if (waiting.size > 0) await look(session, under)
    const now = performance.now()
    if (acknowledged.size > 0 && now >= flushAt) {
      flushAt = now + FLUSH_MS
      await flush()
    }
    if (waiting.size > 0 && now >= touchAt) {
      touchAt = now + TOUCH_MS
      await touch(
        session,
        [...waiting].map(({ feed }) => feed.id),
      )
    }
  }

  async function look(session: Session, under: UnderSettings): Promise<void> {
    heard = false
    const asking = [...waiting]
    if (asking.every(({ snapshot }) => snapshot === seen)) {
      const [row] = await session.query<{ snapshot: string }>(CURRENT_SNAPSHOT, { prepared: true })
      if (row?.snapshot === seen) return
    }
    // in one order, so that the same tables make the same statement
    const places = new Map<string, Place & { readonly key: string; readonly waiters: Waiter[] }>()
    for (const waiter of asking) {
      const { feed, snapshot } = waiter
      const key = `${feed.stableName} ${snapshot}`
      const place = places.get(key) ?? { key, stableName: feed.stableName, snapshot, waiters: [] }
      places.set(key, place)
      place.waiters.push(waiter)
    }
    const asked = [...places.values()].sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
    const answer = await ask(session, under, asked)
    seen = answer.snapshot
    asked.forEach(({ snapshot: from, waiters }, i) => {
      for (const waiter of waiters) waiter.snapshot = answer.snapshot
      if (answer.changed[i] === false) return
      const readers = waiters.filter((waiter) => waiting.delete(waiter))
      for (const waiter of readers) waiter.resolve({ from, to: answer.snapshot, readers: readers.length })
    })
  }

  /** A buffer that is gone is news for everybody: each will find out whether it was its own. */
  async function ask(
    session: Session,
    under: UnderSettings,
    places: readonly Place[],
  ): Promise<{ readonly snapshot: string; readonly changed: readonly boolean[] }> {
    try {
      const [row] = await under((queryable) =>
        queryable.query<{ snapshot: string; changed: boolean[] }>(pollStatement(places), { prepared: true }),
      )
      return row ?? { snapshot: '', changed: [] }
    } catch (error) {
      if (!isFreshetError(error, 'UNKNOWN_RELATION')) throw error
      const [row] = await session.query<{ snapshot: string }>(CURRENT_SNAPSHOT)
      return { snapshot: row?.snapshot ?? '', changed: [] }
    }
  }

  function refuse(error: unknown): void {
    for (const waiter of waiting) waiter.reject(error)
    waiting.clear()
  }

  async function flush(): Promise<void> {
    const positions = new Map(acknowledged)
    if (positions.size === 0) return
    acknowledged.clear()
    try {
      await acknowledge(database, positions)
    } catch (error) {
      for (const [id, snapshot] of positions) if (!acknowledged.has(id)) acknowledged.set(id, snapshot)
      throw error
    }
  }

  return {
    join: () => {
      members++
      if (running) return
      running = true
      void run()
    },
    leave: () => {
      members--
      if (members === 0) news.ring()
    },
    next: (feed, snapshot, signal) =>
      new Promise((resolve, reject) => {
        const leave = () => {
          waiting.delete(waiter)
          resolve(null)
        }
        const settled = () => signal.removeEventListener('abort', leave)
        const waiter: Waiter = {
          feed,
          snapshot,
          resolve: (window) => {
            settled()
            resolve(window)
          },
          reject: (error) => {
            settled()
            reject(toFreshetError(error))
          },
        }
        if (signal.aborted) return leave()
        signal.addEventListener('abort', leave, { once: true })
        waiting.add(waiter)
        if (heard || snapshot !== seen) news.ring()
      }),
    acknowledge: (feed, snapshot) => {
      acknowledged.set(feed.id, snapshot)
    },
    flush,
  }
}

/** On which refreshes say that they changed a stream table that has feeds. */
const CHANNEL = 'freshet_feed'

/** As for the scheduler's poll: one plan for good, which never reads a buffer from end to end. */
const SETTINGS = { enable_seqscan: 'off', enable_bitmapscan: 'off', plan_cache_mode: 'force_generic_plan', jit: 'off' }
