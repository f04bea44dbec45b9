import {
  type Database,
  DEFAULT_PATIENCE,
  type Fragment,
  FreshetError,
  isFreshetError,
  type Queryable,
  raw,
  sql,
  whileRefused,
} from '@freshet/core'
import {
  type OpenSubscription,
  type OutputState,
  outputStateStatement,
  requireUnbroken,
  takingTurns,
} from '@freshet/refresh'
import type { Change } from './feed.ts'
import { ifItFits, measured, measuredPages } from './measured.ts'
import { handOver } from './hand-over.ts'
import {
  changesStatement,
  CURRENT_SNAPSHOT,
  type RowForm,
  tableStatement,
  UNHURRIED,
  type Window,
} from './statements.ts'

/** How pages are to be. */
export interface PageForm {
  readonly pageRows: number
  readonly rows: RowForm
  /** Of rows as JSON text; null: however many. */
  readonly pageBytes: number | null
}

function isMeasured(form: PageForm): form is PageForm & { readonly pageBytes: number } {
  return form.pageBytes !== null
}

/** One page of a batch, as it was read. */
export interface ReadPage {
  readonly changes: readonly Change<object>[]
  readonly last: boolean
}

/** The table, and the snapshot that it is of. */
export interface ReadTablePage extends ReadPage {
  readonly snapshot: string
}

/** However many read a window together. */
const MOST_PAGES = 20

/**
 * A window of few pages, in one statement; null when it has more. Who reads it alone takes one page; of what several read
 * together, each may have a page, and all have the same ones. Whether something is missing from it is asked afterwards:
 * what was removed while it was read counts as well.
 */
export async function readSmallWindow(
  database: Database,
  feed: OpenSubscription,
  window: Window,
  page: PageForm,
): Promise<readonly ReadPage[] | null> {
  const { pageRows, rows: form } = page
  // who has a bound of bytes has pages of his own
  const most = isMeasured(page) ? pageRows : pageRows * Math.min(window.readers, MOST_PAGES)
  const changes = changesStatement(feed, window, form)
  const asked = isMeasured(page) ? ifItFits(changes, page) : sql`${changes} limit ${most + 1}`
  return explained(database, feed, window.from, async () => {
    const [rows = [], states = []] = await database.batch([asked, outputStateStatement(feed.stableName)], {
      prepared: true,
    })
    requireUnbroken(feed.name, (states[0] as OutputState | undefined) ?? null, window.from)
    const whole = rows.length <= most && rows.every((row) => row['__fits'] !== false)
    return whole ? pagesOf(rows.map(changeOf), pageRows) : null
  })
}

/** Any window, through a cursor, in a transaction that lasts until its last page is read. */
export function readLargeWindow(
  database: Database,
  feed: OpenSubscription,
  window: Window,
  page: PageForm,
): AsyncGenerator<ReadPage, void, void> {
  return handOver((give) =>
    explained(database, feed, window.from, () =>
      database.transaction(async (transaction) => {
        await openCursor(transaction, changesStatement(feed, window, page.rows), page)
        const [state] = await transaction.query<OutputState>(outputStateStatement(feed.stableName))
        requireUnbroken(feed.name, state ?? null, window.from)
        return pages(transaction, page, give)
      }),
    ),
  )
}

/**
 * The whole table at one snapshot, which later pages do not leave. Where its rows are on other nodes, its refreshes wait
 * until the last page is read: nothing else would make the table on all of them the one that the snapshot shows here.
 */
export function readTable(
  database: Database,
  feed: OpenSubscription,
  form: PageForm,
): AsyncGenerator<ReadTablePage, void, void> {
  // from then on there is no other attempt
  let given = false
  return handOver((give) =>
    explained(database, feed, feed.snapshot, () =>
      whileRefused(DEFAULT_PATIENCE.patienceMs, () =>
        database.transaction(
          async (transaction) => {
            if (given) throw new FreshetError('INTERNAL', 'a lock was refused in the middle of a snapshot')
            if (feed.onNodes) for (const statement of takingTurns([feed])) await transaction.query(statement)
            const [now] = await transaction.query<{ snapshot: string }>(CURRENT_SNAPSHOT)
            const snapshot = now?.snapshot ?? ''
            const [state] = await transaction.query<OutputState>(outputStateStatement(feed.stableName))
            requireUnbroken(feed.name, state ?? null, snapshot)
            await openCursor(transaction, tableStatement(feed, form.rows), form)
            const last = await pages(transaction, form, (page) => {
              given = true
              return give({ ...page, snapshot })
            })
            return { ...last, snapshot }
          },
          { isolation: 'repeatable read' },
        ),
      ),
    ),
  )
}

async function openCursor(transaction: Queryable, rows: Fragment, form: PageForm): Promise<void> {
  const statement = isMeasured(form) ? measured(rows, form) : rows
  await transaction.query(UNHURRIED)
  await transaction.query(sql`declare freshet_feed no scroll cursor for ${statement}`)
}

/** A page is given when the next one is there: so the last one is known, and returned. */
async function pages(
  transaction: Queryable,
  form: PageForm,
  give: (page: ReadPage) => Promise<void>,
): Promise<ReadPage> {
  if (isMeasured(form)) {
    const last = await measuredPages(transaction, form, (page) => give({ changes: page.map(changeOf), last: false }))
    return { changes: last.map(changeOf), last: true }
  }
  const { pageRows } = form
  const fetch = sql`fetch forward ${raw(String(pageRows))} from freshet_feed`
  let page = await transaction.query(fetch)
  while (page.length === pageRows) {
    const next = await transaction.query(fetch)
    if (next.length === 0) break
    await give({ changes: page.map(changeOf), last: false })
    page = next
  }
  return { changes: page.map(changeOf), last: true }
}

function pagesOf(changes: readonly Change<object>[], pageRows: number): ReadPage[] {
  if (changes.length <= pageRows) return [{ changes, last: true }]
  const count = Math.ceil(changes.length / pageRows)
  return Array.from({ length: count }, (_, i) => ({
    changes: changes.slice(i * pageRows, (i + 1) * pageRows),
    last: i === count - 1,
  }))
}

function changeOf({
  __w: weight,
  __id: id,
  __size: _size,
  __ahead: _ahead,
  __fits: _fits,
  ...row
}: Record<string, unknown>): Change<object> {
  return Object.freeze({ weight: Number(weight), id: String(id), row: Object.freeze(row) })
}

/** A buffer or column that is not there any more: says what became of the stream table instead. */
async function explained<T>(
  database: Database,
  feed: OpenSubscription,
  snapshot: string,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!isFreshetError(error, 'UNKNOWN_RELATION', 'UNKNOWN_COLUMN', 'FEED_TOKEN_EXPIRED')) throw error
    const found = await database.query(
      sql`select from freshet.stream_table where stream_table_id = ${feed.streamTable}`,
    )
    if (found.length === 0)
      throw new FreshetError('UNKNOWN_STREAM_TABLE', `${feed.name} was dropped`, { hint: null, cause: error })
    const [state] = await database.query<OutputState>(outputStateStatement(feed.stableName))
    requireUnbroken(feed.name, state ?? null, snapshot)
    throw error
  }
}
