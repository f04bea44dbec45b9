import type { Change, FeedPage, Freshet, JsonRow } from '@freshet/client'
import { databaseWord, displayName, FreshetError, isFreshetError, stableName } from '@freshet/core'
import { createHash } from 'node:crypto'
import { parse, stringify } from 'lossless-json'
import { z } from 'zod'
import { untilDurable } from '../durable.ts'
import { type ChangeEvent, type ChangeOp, jsonText, type Origin } from '../event.ts'
import type { Source } from '../source.ts'

/**
 * A stream table as a source: its feed, with the two changes of one key put together.
 *
 *   −old, +new → update        −old → delete        +new → insert
 *
 * A window that is read again after a crash must be the same window, or its events would have other ids. So where it ends is
 * recorded, as a position of its own, before any of it is delivered.
 */
export interface StreamTableSourceOptions {
  readonly rows: number
  /** Of the rows as JSON text. One row is always given, however large it is. */
  readonly bytes: number
}

/** What a new consumer begins with: the rows that are there, or only what changes from now on. */
export function streamTableBeginning(from: 'snapshot' | 'now'): string {
  return JSON.stringify({ from })
}

const positionForm = z.union([
  z.strictObject({ from: z.enum(['snapshot', 'now']) }),
  z.strictObject({ token: z.string(), until: z.string().optional() }),
])
type Position = z.infer<typeof positionForm>

export async function streamTableSource(
  freshet: Freshet,
  name: string,
  options: StreamTableSourceOptions,
): Promise<Source> {
  const table = await freshet.get(name)
  const origin: Origin = { database: await databaseWord(freshet.database), schema: table.schema, table: table.table }
  let acknowledge: (token: string) => void = () => undefined
  return {
    pages: async function* (text, signal) {
      const position = parsePosition(text)
      const subscription = await subscribe(freshet, name, position, options, signal)
      if (subscription.keyColumns.length === 0) {
        await subscription.close()
        throw new FreshetError(
          'USAGE',
          `${displayName(origin)} has no key whose columns are never null, and can not be relayed`,
          {
            hint: 'Write the query so that its rows have one: group by columns that are not null, or select a primary key.',
          },
        )
      }
      acknowledge = (token) => subscription.acknowledge(token)
      const keyed = { origin, keyColumns: subscription.keyColumns }
      let known = 'until' in position ? (position.until ?? null) : null
      let at = 'token' in position ? position.token : subscription.begins
      let batch: Batch | null = null
      try {
        // who begins now and stops before anything has come must not begin at another now
        if ('from' in position && at !== null)
          yield { events: [], position: JSON.stringify({ token: at }), more: false }
        for await (const page of subscription) {
          if (batch === null) {
            await untilDurable(freshet.database)
            const until = known ?? page.until
            if (at !== null && page.kind === 'changes' && known === null)
              yield { events: [], position: JSON.stringify({ token: at, until }), more: true }
            batch = startBatch(keyed, until)
            known = null
          }
          yield {
            events: batch.take(page),
            position: page.token === null ? null : JSON.stringify({ token: page.token }),
            more: page.token === null,
          }
          if (page.token !== null) {
            at = page.token
            batch = null
          }
        }
      } finally {
        await subscription.close()
      }
    },
    delivered: (text) => {
      const position = parsePosition(text)
      if ('token' in position) acknowledge(position.token)
    },
  }
}

async function subscribe(
  freshet: Freshet,
  name: string,
  position: Position,
  { rows, bytes }: StreamTableSourceOptions,
  signal: AbortSignal,
) {
  const from =
    'from' in position
      ? position.from
      : { token: position.token, ...(position.until === undefined ? {} : { until: position.until }) }
  try {
    return await freshet.subscribe<JsonRow>(name, {
      from,
      rows: 'json',
      pageRows: rows,
      pageBytes: bytes,
      acknowledge: 'explicit',
      signal,
    })
  } catch (error) {
    if (!isFreshetError(error, 'FEED_TOKEN_EXPIRED', 'FEED_TOKEN_INVALID')) throw error
    throw new FreshetError('CONSUMER_LOST', error.message, { detail: error.detail, cause: error })
  }
}

interface Keyed {
  readonly origin: Origin
  readonly keyColumns: readonly string[]
}

interface Batch {
  take(page: FeedPage<JsonRow>): readonly ChangeEvent[]
}

/** Of two changes of one key, the first may be the last of its page: it is kept until the next one is there. */
function startBatch({ origin, keyColumns }: Keyed, until: string): Batch {
  const window = createHash('sha256').update(until).digest('hex').slice(0, 16)
  const table = stableName(origin.schema, origin.table)
  let leaving: Keyedly | null = null
  const at = new Date().toISOString()
  const eventOf = (
    op: ChangeOp,
    key: string,
    id: string,
    before: string | null,
    after: string | null,
  ): ChangeEvent => ({
    kind: 'change',
    id: `${origin.database}-${table}-${op === 'read' ? 'read' : window}-${id}${op === 'delete' ? '-' : ''}`,
    origin,
    topic: displayName(origin),
    key,
    headers: {},
    at,
    op,
    before: before === null ? null : jsonText(before),
    after: after === null ? null : jsonText(after),
  })
  const left = ({ change, key }: Keyedly) => eventOf('delete', key, change.id, change.row.json, null)
  return {
    take: ({ kind, changes, token }) => {
      const events: ChangeEvent[] = []
      for (const change of changes) {
        const key = keyOf(change.row.json, keyColumns)
        if (kind === 'snapshot') {
          events.push(eventOf('read', key, change.id, null, change.row.json))
          continue
        }
        const before: Keyedly | null = leaving
        leaving = null
        const updated = before?.key === key && change.weight > 0
        if (before !== null && !updated) events.push(left(before))
        if (change.weight < 0) leaving = { change, key }
        else if (updated) events.push(eventOf('update', key, change.id, before.change.row.json, change.row.json))
        else events.push(eventOf('insert', key, change.id, null, change.row.json))
      }
      if (token !== null && leaving !== null) {
        events.push(left(leaving))
        leaving = null
      }
      return events
    },
  }
}

interface Keyedly {
  readonly change: Change<JsonRow>
  readonly key: string
}

/** The columns of the key, as JSON text, in their order. */
function keyOf(json: string, keyColumns: readonly string[]): string {
  const row = parse(json)
  if (typeof row !== 'object' || row === null) throw new FreshetError('INTERNAL', 'a row is not an object')
  const key = Object.fromEntries(keyColumns.map((column) => [column, Reflect.get(row, column) as unknown]))
  const text = stringify(key)
  if (text === undefined) throw new FreshetError('INTERNAL', 'a key has no text')
  return text
}

function parsePosition(text: string): Position {
  const parsed = positionForm.safeParse(JSON.parse(text))
  if (parsed.success) return parsed.data
  throw new FreshetError('CONSUMER_LOST', 'the recorded position is not one of a stream table')
}
