import type { Change, FeedPage } from './feed.ts'

/**
 * A copy of a stream table in memory, kept by its feed. It changes from one batch's end to the next one's, so whoever
 * looks sees the table as it was at one moment. It needs nothing but pages, wherever they come from.
 */
export interface LiveCopy<Row> {
  /** Each row as often as it is there. The same array until something changes. */
  rows(): readonly Row[]
  readonly size: number
  /** Of the last batch that it has; null before the first. */
  readonly token: string | null
  /** Called after each change; returns what ends that. */
  onChange(listener: () => void): () => void
}

export interface LiveCopyWriter<Row> {
  readonly copy: LiveCopy<Row>
  /** Takes a page; what the copy shows changes with the last page of a batch. */
  readonly take: (page: FeedPage<Row>) => void
  /** Forgets the pages of a batch that was broken off: it comes again. */
  readonly breakOff: () => void
}

interface Entry<Row> {
  readonly row: Row
  readonly count: number
}

export function liveCopyWriter<Row>(): LiveCopyWriter<Row> {
  let entries = new Map<string, Entry<Row>>()
  let pages: FeedPage<Row>[] = []
  let token: string | null = null
  let shown: readonly Row[] | null = null
  const listeners = new Set<() => void>()

  const copy: LiveCopy<Row> = {
    rows: () => (shown ??= Object.freeze([...entries.values()].flatMap(({ row, count }) => repeated(row, count)))),
    get size() {
      return copy.rows().length
    },
    get token() {
      return token
    },
    onChange: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    copy,
    take: (page) => {
      pages.push(page)
      if (page.token === null) return
      const batch = pages
      pages = []
      if (page.kind === 'snapshot') entries = new Map()
      for (const { changes } of batch) for (const change of changes) add(entries, change)
      token = page.token
      shown = null
      for (const listener of listeners) listener()
    },
    breakOff: () => {
      pages = []
    },
  }
}

function add<Row>(entries: Map<string, Entry<Row>>, { id, row, weight }: Change<Row>): void {
  const count = (entries.get(id)?.count ?? 0) + weight
  if (count === 0) entries.delete(id)
  else entries.set(id, { row, count })
}

/** Less than once is never shown: only who takes pages in another order than they came could see it. */
function repeated<Row>(row: Row, count: number): Row[] {
  return count === 1 ? [row] : Array.from({ length: Math.max(count, 0) }, () => row)
}
