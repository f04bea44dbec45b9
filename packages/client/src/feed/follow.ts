import { isFreshetError } from '@freshet/core'
import { setTimeout as sleep } from 'node:timers/promises'
import type { SubscribeOptions, Subscription } from './feed.ts'
import { type LiveCopy, liveCopyWriter } from './live-copy.ts'

/** A copy that is kept current until it is closed. */
export interface FollowedCopy<Row> extends LiveCopy<Row> {
  /** Ends when it is closed; throws what ended it otherwise, such as that the stream table was dropped. */
  readonly ended: Promise<void>
  close(): Promise<void>
}

export interface FollowOptions {
  /** Rows of a page at most. Default 1,000. */
  readonly pageRows?: number
}

const PAUSE_MS = 500

/**
 * Keeps a copy current: goes on from its token when the connection was lost in the middle of a batch, and begins anew
 * where that is no longer good. Returns when the table has been read.
 */
export async function follow<Row>(
  open: (options: SubscribeOptions) => Promise<Subscription<Row>>,
  options: FollowOptions = {},
): Promise<FollowedCopy<Row>> {
  const { copy, take, breakOff } = liveCopyWriter<Row>()
  const ending = new AbortController()
  const { signal } = ending
  const run = async () => {
    let from: SubscribeOptions['from'] = 'snapshot'
    while (!signal.aborted) {
      try {
        for await (const page of await open({ ...options, from, durable: false, signal })) take(page)
        return
      } catch (error) {
        const known = isFreshetError(error)
        const expired = known && error.code === 'FEED_TOKEN_EXPIRED'
        const lost = known && (error.retry === 'reconnect' || error.retry === 'retry')
        if ((!expired && !lost) || signal.aborted) throw error
        breakOff()
        from = expired || copy.token === null ? 'snapshot' : { token: copy.token }
        if (lost) await sleep(PAUSE_MS)
      }
    }
  }
  const filled = new Promise<void>((resolve) => {
    const stop = copy.onChange(() => {
      stop()
      resolve()
    })
  })
  const ended = run()
  ended.catch(() => undefined) // who wants to know asks `ended`
  await Promise.race([filled, ended])
  return {
    rows: () => copy.rows(),
    get size() {
      return copy.size
    },
    get token() {
      return copy.token
    },
    onChange: (listener) => copy.onChange(listener),
    ended,
    close: async () => {
      ending.abort()
      await ended
    },
  }
}
