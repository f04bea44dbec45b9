import {
  type Database,
  databaseWord,
  FreshetError,
  type Snapshot,
  snapshotLeq,
  parseSnapshot,
  sql,
} from '@freshet/core'
import { makeDurable } from '../durable.ts'
import { jsonText, type MessageEvent } from '../event.ts'
import type { Outbox } from '../outbox/outbox.ts'
import { pause } from '../pause.ts'
import { type OutboxPosition, parseOutboxPosition, printOutboxPosition } from '../outbox/position.ts'
import { type OutboxPage, type OutboxRow, type PageBound, readNow, readOn } from '../outbox/read.ts'
import type { Source, SourcePage } from '../source.ts'

/**
 * An outbox as a source. Its events have their ids from their rows. It looks for new rows with one cheap statement: at once
 * while there are some, and otherwise at growing intervals, because nothing that a writer does may wait (law L6).
 */
export interface OutboxSourceOptions extends PageBound {
  readonly pollMinMs: number
  readonly pollMaxMs: number
}

export async function outboxSource(database: Database, outbox: Outbox, options: OutboxSourceOptions): Promise<Source> {
  const word = await databaseWord(database)
  return {
    pages: (position, signal) => readPages({ database, word, outbox, options }, position, signal),
    delivered: () => undefined, // its consumer is what holds the rows
  }
}

interface Reading {
  readonly database: Database
  readonly word: string
  readonly outbox: Outbox
  readonly options: OutboxSourceOptions
}

async function* readPages(reading: Reading, position: string, signal: AbortSignal): AsyncGenerator<SourcePage> {
  const { database, outbox, options } = reading
  const begin = parseOutboxPosition(position, { database: reading.word, stableName: outbox.stableName })
  await requireReached(reading, begin)
  let from = begin.from
  let window: { to: Snapshot; after: string } | null = begin.window
  let pauseMs = options.pollMinMs
  while (!signal.aborted) {
    const lookedAt = performance.now()
    const page =
      window === null
        ? await readNow(database, outbox, from, options)
        : await readOn(database, outbox, { from, ...window }, options)
    if (page.rows.length > 0 && !page.durable) await makeDurable(database)
    const moved = window !== null || page.rows.length > 0
    window = page.after === null ? null : { to: page.to, after: page.after }
    if (window === null) from = page.to
    const quiet = window === null && page.rows.length < options.rows / 2
    if (moved) yield { ...pageOf(reading, page, { from, window }), more: !quiet }
    if (!quiet) continue
    pauseMs = page.rows.length > 0 ? options.pollMinMs : Math.min(pauseMs * 1.5, options.pollMaxMs)
    // the time that a delivery took counts
    await pause(pauseMs - (performance.now() - lookedAt), signal)
  }
}

function pageOf(
  { word, outbox }: Reading,
  page: OutboxPage,
  { from, window }: Pick<OutboxPosition, 'from' | 'window'>,
): Omit<SourcePage, 'more'> {
  return {
    events: page.rows.map((row) => eventOf(word, outbox, row)),
    position: printOutboxPosition({ database: word, stableName: outbox.stableName, from, window }),
  }
}

function eventOf(word: string, outbox: Outbox, row: OutboxRow): MessageEvent {
  const { payload } = row
  return {
    kind: 'message',
    id: `${word}-${outbox.stableName}-${row.id}`,
    origin: { database: word, schema: outbox.schema, table: outbox.table },
    topic: row.topic,
    key: row.key,
    headers: headersOf(row.headers),
    payload: typeof payload === 'string' ? jsonText(payload) : payload,
    at: row.at,
  }
}

/** Values of headers are text; of others, their JSON. */
function headersOf(json: string): Readonly<Record<string, string>> {
  if (json === '{}') return {}
  const headers = JSON.parse(json) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, typeof value === 'string' ? value : JSON.stringify(value)]),
  )
}

/** A position may be ahead of a database that was set back. */
async function requireReached({ database, outbox }: Reading, { from, window }: OutboxPosition): Promise<void> {
  const [row] = await database.query<{ now: string }>(sql`select pg_current_snapshot()::text as now`)
  if (row !== undefined && snapshotLeq(window?.to ?? from, parseSnapshot(row.now))) return
  throw new FreshetError('CONSUMER_LOST', `the consumer is ahead of ${outbox.name}`, {
    detail: 'The database was set back to an earlier time.',
  })
}
