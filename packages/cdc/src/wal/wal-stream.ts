import { setTimeout as sleep } from 'node:timers/promises'
import {
  type CaptureStream,
  type Database,
  type FreshetError,
  type Lease,
  openReplication,
  parseLsn,
  toFreshetError,
  DEFAULT_PATIENCE,
} from '@freshet/core'
import { type Applied, applyStream } from './apply-stream.ts'
import { decodeMessage } from './pgoutput.ts'
import { leaseOfReader, leaseOfStalled } from './slot-lease.ts'
import { enterTimeline, establishStream, keepsTooMuch, PUBLICATION, readStream } from './slot.ts'

/**
 * Reads the database's slot as long as a source is captured by WAL, and whenever no other process does: any number may
 * run side by side, the server lends the slot to one, and one that stands still for longer than a lease loses it. What
 * breaks is tried again; a slot that is lost, or for which the server keeps more of its log than the settings permit, is
 * replaced.
 */
export interface WalStream {
  stop(): Promise<void>
}

export type WalStreamEvent =
  | { readonly kind: 'streaming'; readonly slot: string }
  | { readonly kind: 'applied'; readonly applied: Applied }
  /** It goes on in a moment. */
  | { readonly kind: 'interrupted'; readonly error: FreshetError }
  /** The slot was lost: whatever reads its sources is recomputed. */
  | { readonly kind: 'replaced' }

export interface WalStreamOptions {
  readonly database: Database
  readonly databaseUrl: string
  readonly listener?: (event: WalStreamEvent) => void
}

/** How long until it looks again whether there is something to read, or a slot that broke can be read again. */
const PAUSE_MS = 250
/** How often it looks whether the slot keeps too much, while it reads. */
const WATCH_MS = 2_000
/** While nothing works the pause doubles, so often at most. */
const MOST_DOUBLINGS = 5

export function walStream(options: WalStreamOptions): WalStream {
  const stopping = new AbortController()
  const running = run(options, stopping.signal)
  return {
    async stop() {
      stopping.abort()
      await running
    },
  }
}

async function run({ database, databaseUrl, listener = () => undefined }: WalStreamOptions, signal: AbortSignal) {
  let failures = 0
  while (!signal.aborted) {
    try {
      const state = await readStream(database)
      if (state !== null && (!state.usable || (await keepsTooMuch(database, state)))) {
        const inPlaceOf = state.usable ? state.slot : null
        if (await establishStream(database, DEFAULT_PATIENCE, { inPlaceOf })) listener({ kind: 'replaced' })
        continue
      }
      const stalled = state?.active === true ? await leaseOfStalled(database, state.slot) : null
      if (state !== null && (!state.active || stalled !== null)) {
        const reading = (event: WalStreamEvent) => {
          failures = 0
          listener(event)
        }
        await read(state, stalled, { database, databaseUrl, listener: reading }, signal)
      }
      failures = 0
    } catch (error) {
      // `stop` closes the stream under whoever waits for it
      if (!signal.aborted) listener({ kind: 'interrupted', error: toFreshetError(error) })
      failures++
    }
    await sleep(PAUSE_MS * 2 ** Math.min(Math.max(failures - 1, 0), MOST_DOUBLINGS), undefined, { signal }).catch(
      (error: unknown) => {
        if (!signal.aborted) throw error
      },
    )
  }
}

/** Until it breaks. `taken` is the lease of one that stood still. */
async function read(
  { slot, applied }: CaptureStream,
  taken: Lease | null,
  { database, databaseUrl, listener }: Required<WalStreamOptions>,
  signal: AbortSignal,
): Promise<void> {
  let lease = taken
  try {
    await enterTimeline(database)
    const from = parseLsn(applied)
    const stream = await openReplication({
      url: databaseUrl,
      slot,
      from,
      pluginOptions: { proto_version: '1', publication_names: PUBLICATION, messages: 'true' },
      decode: decodeMessage,
    })
    const close = () => void stream.close()
    signal.addEventListener('abort', close)
    const watch = setInterval(() => {
      void isTooMuch(database).then(
        // then it is replaced, as one that is lost
        (tooMuch) => (tooMuch ? stream.close() : undefined),
        // a look that fails is repeated; where the server is gone, the stream ends by itself
        () => undefined,
      )
    }, WATCH_MS)
    try {
      lease ??= await leaseOfReader(database)
      lease.lost.addEventListener('abort', close, { once: true })
      listener({ kind: 'streaming', slot })
      const onApplied = (done: Applied) => listener({ kind: 'applied', applied: done })
      if (!signal.aborted) await applyStream({ database, stream, lease, applied: from, onApplied })
    } finally {
      clearInterval(watch)
      signal.removeEventListener('abort', close)
      await stream.close()
    }
  } finally {
    await lease?.release()
  }
}

async function isTooMuch(database: Database): Promise<boolean> {
  const state = await readStream(database)
  return state !== null && keepsTooMuch(database, state)
}
