import { type Link, type Span, SpanKind, trace, TraceFlags } from '@opentelemetry/api'
import { type Database, isFreshetError, refreshTrace } from '@freshet/core'
import { type OpenSubscription, refreshesWithin } from '@freshet/refresh'
import type { Window } from './statements.ts'

/**
 * A batch on its way to a reader, as a span: from the moment at which it is known to the one at which its last page is
 * handed over. It points at the refreshes that it brings, whose places among traces follow from their numbers.
 *
 * Without a tracer of the program's own (an SDK that it registers), and where the span is not sampled, nothing is asked.
 */
export interface Delivery {
  /** This page is handed over next. */
  page(page: { readonly changes: readonly unknown[]; readonly last: boolean }): Promise<void>
}

const UNTRACED: Delivery = { page: () => Promise.resolve() }

export interface Delivered {
  readonly database: Database
  /** The database as a word. */
  readonly word: string
  readonly feed: OpenSubscription
}

/** `window` is null for the table itself, before any change. */
export function startDelivery(delivered: Delivered, window: Window | null): Delivery {
  const { feed } = delivered
  const span = trace.getTracer('@freshet/client').startSpan(`deliver ${feed.name}`, {
    kind: SpanKind.CONSUMER,
    attributes: {
      'freshet.stream_table': feed.name,
      'freshet.subscription': feed.id,
      'freshet.batch': window === null ? 'snapshot' : 'changes',
    },
  })
  if (!span.isRecording()) return UNTRACED
  let rows = 0
  let pages = 0
  return {
    page: async ({ changes, last }) => {
      rows += changes.length
      pages++
      if (!last) return
      span.setAttributes({ 'freshet.rows': rows, 'freshet.pages': pages })
      if (window !== null) await pointAtRefreshes(span, delivered, window)
      span.end()
    },
  }
}

async function pointAtRefreshes(span: Span, delivered: Delivered, window: Window): Promise<void> {
  try {
    const links = await sharedLinks(delivered, window)
    span.setAttribute('freshet.refreshes', links.length)
    span.addLinks([...links])
  } catch (error) {
    // the feed is worth more than its trace
    if (!isFreshetError(error)) throw error
    span.setAttribute('error.type', error.code)
  }
}

type Asked = Map<string, Promise<readonly Link[]>>

const asked = new WeakMap<Database, Asked>()

/** Readers of one window ask together. */
function sharedLinks(delivered: Delivered, window: Window): Promise<readonly Link[]> {
  const { database, feed } = delivered
  const known: Asked = asked.get(database) ?? new Map<string, Promise<readonly Link[]>>()
  asked.set(database, known)
  const key = [feed.streamTable, window.from, window.to].join(' ')
  const links = known.get(key) ?? linksOf(delivered, window).finally(() => known.delete(key))
  known.set(key, links)
  return links
}

async function linksOf({ database, word, feed }: Delivered, window: Window): Promise<readonly Link[]> {
  const refreshes = await refreshesWithin(database, feed.streamTable, window)
  return refreshes.map((refreshId) => ({
    context: { ...refreshTrace(word, refreshId), traceFlags: TraceFlags.SAMPLED, isRemote: true },
    attributes: { 'freshet.refresh_id': refreshId },
  }))
}
