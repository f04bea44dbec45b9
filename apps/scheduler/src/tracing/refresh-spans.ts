import { type AttributeValue, context, type Link, type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import type { CoordinatorEvent, TableRef } from '@freshet/coordinator'
import { type FreshetError, type Refresher, type RefreshOutcome, refreshTrace } from '@freshet/core'
import type { Tracing } from './port.ts'

/**
 * Spans from the coordinator's events, made when a refresh has ended:
 *
 *   refresh NAME      from the last moment at which the table was known to be fresh, so from before the first write that
 *   │                 it brings, until that is visible
 *   ├─ wait           until the refresh began
 *   │  └─ poll        the last look at the buffers before it
 *   └─ run            the refresh itself
 *
 * The outer one points at the refreshes of what the table reads that ended in between: the wave before it. Its ids follow
 * from the refresh (`refreshTrace`), so feeds point at it, from other processes too. Refreshes that found nothing to do,
 * or the table in other hands, leave none.
 */
export interface RefreshSpans {
  /** The same refresher, whose refreshes tell their numbers and when they began. */
  watch(refresher: Refresher): Refresher
  record(event: CoordinatorEvent): void
}

export interface RefreshSpansOptions {
  readonly tracing: Tracing
  readonly database: string
  /** The database as a word. */
  readonly word: string
  /** Of each stream table, by name, what it reads. Asked at first, and when the catalog changes. */
  readonly reads: () => Promise<ReadonlyMap<string, readonly string[]>>
}

/** On the clock of `performance.now()`; only the end of a span is told by the time of day. */
interface Run extends Start {
  readonly ended: number
}

interface Start {
  readonly begun: number
  /** The last look at the buffers before it. */
  readonly poll?: { readonly begun: number; readonly ended: number } | undefined
}

interface Told {
  readonly table: TableRef
  readonly run: Run
  readonly waitedMs: number
  readonly refreshId: string | undefined
  readonly links: Link[]
}

interface Ended extends Run {
  readonly link: Link
}

/** A span has no room for more links (the SDK's default is 128). */
const MOST_LINKS = 64

export async function refreshSpans({ tracing, database, word, reads }: RefreshSpansOptions): Promise<RefreshSpans> {
  const { tracer } = tracing
  const starts = new Map<number, Start>()
  const upstream = new Map<string, Ended[]>()
  const last = new Map<string, Run>()
  let readers = readersOf(await reads())
  let poll: Start['poll']

  function refreshed({ table, outcome, waitedMs }: Extract<CoordinatorEvent, { kind: 'refreshed' }>): void {
    const run = runOf(table, outcome.durationMs)
    if (outcome.action === 'none' || outcome.action === 'busy') return
    const { refreshId } = outcome
    const link = span({ table, run, waitedMs, refreshId, links: linksFor(table.name, run) }, (root) => {
      root.setAttributes(attributesOf(outcome))
      if (outcome.reason !== null) root.setAttribute('freshet.reason', outcome.reason)
    })
    last.set(table.name, run)
    if (outcome.rowsInserted + outcome.rowsDeleted === 0) return
    for (const reader of readers.get(table.name) ?? []) {
      // a member of its own unit has read it already
      if (last.get(reader)?.begun === run.begun) continue
      upstream.set(reader, [...(upstream.get(reader) ?? []), { ...run, link }].slice(-MOST_LINKS))
    }
  }

  /** Those that ended before this one began are in its windows. */
  function linksFor(name: string, run: Run): Link[] {
    const known = upstream.get(name) ?? []
    upstream.set(
      name,
      known.filter(({ ended }) => ended > run.begun),
    )
    return known.flatMap(({ ended, begun, link }) => (ended <= run.begun || begun === run.begun ? [link] : []))
  }

  function failed(table: TableRef, error: FreshetError): void {
    const run = runOf(table, 0)
    span({ table, run, waitedMs: 0, refreshId: undefined, links: [] }, (root) => {
      root.setAttribute('error.type', error.code)
      root.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
    })
  }

  function runOf({ id }: TableRef, durationMs: number): Run {
    const ended = performance.now()
    const start = starts.get(id) ?? { begun: ended - durationMs }
    starts.delete(id)
    return { ...start, ended }
  }

  /** Describes the outer span, and returns where it is. */
  function span({ table, run, waitedMs, refreshId, links }: Told, describe: (root: Span) => void): Link {
    const dayAt = Date.now() - run.ended
    const at = (moment: number) => dayAt + moment
    const seenFresh = Math.min(run.ended - waitedMs, run.begun)
    const attributes: Record<string, AttributeValue> = {
      'freshet.stream_table': table.name,
      'db.system.name': 'postgresql',
      'db.namespace': database,
      ...(refreshId === undefined ? {} : { 'freshet.refresh_id': refreshId }),
    }
    const start = () =>
      tracer.startSpan(`refresh ${table.name}`, {
        kind: SpanKind.PRODUCER,
        root: true,
        startTime: at(seenFresh),
        attributes,
        links,
      })
    const root = refreshId === undefined ? start() : tracing.identified(refreshTrace(word, refreshId), start)
    describe(root)
    const within = trace.setSpan(context.active(), root)
    const child = (name: string, parent: typeof within, from: number, to: number) => {
      const inner = tracer.startSpan(name, { kind: SpanKind.INTERNAL, startTime: at(from) }, parent)
      inner.end(at(to))
      return trace.setSpan(parent, inner)
    }
    if (seenFresh < run.begun) {
      const waiting = child('wait', within, seenFresh, run.begun)
      // the very first look at a table is also the moment since which it is known
      const { poll: look } = run
      if (look !== undefined && look.ended >= seenFresh)
        child('poll', waiting, Math.max(look.begun, seenFresh), look.ended)
    }
    child('run', within, run.begun, run.ended)
    root.end(at(run.ended))
    return { context: root.spanContext(), attributes: { 'freshet.stream_table': table.name } }
  }

  function lookUpReaders(): void {
    void reads().then(
      (found) => {
        readers = readersOf(found)
      },
      () => undefined, // links are missing until the next change of the catalog
    )
  }

  return {
    watch: (refresher) => ({
      refresh: async (streamTable, options) => {
        const start = { begun: performance.now(), poll }
        starts.set(streamTable, start)
        const outcome = await refresher.refresh(streamTable, { ...options, identified: true })
        for (const id of outcome.together?.keys() ?? []) starts.set(id, start)
        return outcome
      },
    }),
    record: (event) => {
      if (event.kind === 'refreshed') refreshed(event)
      else if (event.kind === 'failed' || event.kind === 'suspended') failed(event.table, event.error)
      else if (event.kind === 'catalog') lookUpReaders()
      else if (event.kind === 'polled' && event.full) {
        const ended = performance.now()
        poll = { begun: ended - event.durationMs, ended }
      }
    },
  }
}

function attributesOf({ action, changeRows, rowsInserted, rowsDeleted }: RefreshOutcome) {
  return {
    'freshet.action': action,
    'freshet.change_rows': changeRows,
    'freshet.rows_inserted': rowsInserted,
    'freshet.rows_deleted': rowsDeleted,
  }
}

function readersOf(reads: ReadonlyMap<string, readonly string[]>): ReadonlyMap<string, readonly string[]> {
  const readers = new Map<string, string[]>()
  for (const [reader, read] of reads) for (const name of read) readers.set(name, [...(readers.get(name) ?? []), reader])
  return readers
}
