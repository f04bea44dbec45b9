import { identifier, join, type Queryable, sql } from '@freshet/core'
import { logTable } from '../capture-names.ts'
import { type Message, type Tuple, UNCHANGED } from './pgoutput.ts'
import { arrayOfRecords, recordText } from './record-text.ts'
import type { Target } from './targets.ts'

/**
 * Gathers the rows of transactions and writes them to the logs of their sources, many at once and never more than a
 * bound: a transaction of any size passes through.
 *
 *   INSERT    new        UPDATE    new beside old, unless the captured columns kept their text
 *   DELETE    old        TRUNCATE  a marker
 *
 * What can not be told as rows is a marker, one for each transaction and source.
 */
type RowChange = Extract<Message, { kind: 'insert' | 'update' | 'delete' }>

/** Rows and bytes that wait at most before they are sent. */
const MOST_ROWS = 2_000
const MOST_BYTES = 1 << 20

export class LogWriter {
  readonly #transaction: Queryable
  readonly #waiting = new Map<Target, string[]>()
  readonly #marked = new Set<string>()
  #rows = 0
  #bytes = 0

  constructor(transaction: Queryable) {
    this.#transaction = transaction
  }

  async change(target: Target, xid: bigint, change: RowChange): Promise<void> {
    const rows = target.fit ? sides(target, change) : null
    if (rows === null) return this.mark(target, xid)
    const { fresh, old } = rows
    if (fresh !== null && old !== null && fresh.every((value, i) => value === old[i])) return
    await this.#add(target, xid, fresh, old)
  }

  async mark(target: Target, xid: bigint): Promise<void> {
    const key = `${target.stableName} ${xid}`
    if (this.#marked.has(key)) return
    this.#marked.add(key)
    await this.#add(target, xid, null, null)
  }

  async flush(): Promise<void> {
    for (const [target, records] of this.#waiting) {
      const log = logTable(target.stableName)
      const columns = join(target.log.filter((name) => name !== '__a').map((name) => identifier(name)))
      await this.#transaction.query(
        sql`insert into ${log} (${columns}) select ${columns} from unnest(${arrayOfRecords(records)}::${log}[])`,
        { prepared: true },
      )
    }
    this.#waiting.clear()
    this.#rows = 0
    this.#bytes = 0
  }

  async #add(target: Target, xid: bigint, fresh: Row | null, old: Row | null): Promise<void> {
    const record = recordText(target.log.map((name) => fieldOf(name, xid, fresh, old)))
    const known = this.#waiting.get(target)
    if (known === undefined) this.#waiting.set(target, [record])
    else known.push(record)
    this.#rows++
    this.#bytes += record.length
    if (this.#rows >= MOST_ROWS || this.#bytes >= MOST_BYTES) await this.flush()
  }
}

type Row = readonly (string | null)[]

/** The captured columns of the new and the old row; null when the change does not tell them all. */
function sides(target: Target, change: RowChange): { readonly fresh: Row | null; readonly old: Row | null } | null {
  const old = change.kind === 'insert' ? null : change.old
  if (change.kind === 'update' && old === null) return null
  const oldRow = old === null ? null : rowOf(target, old, null)
  const newRow = change.kind === 'delete' ? null : rowOf(target, change.new, old)
  return oldRow === undefined || newRow === undefined ? null : { fresh: newRow, old: oldRow }
}

/** A value that the new row leaves out is that of the old one. Undefined when neither has it. */
function rowOf(target: Target, tuple: Tuple, before: Tuple | null): Row | undefined {
  const row: (string | null)[] = []
  for (const place of target.places) {
    let value = tuple[place]
    if (value === UNCHANGED) value = before?.[place]
    if (value === undefined || value === UNCHANGED) return undefined
    row.push(value)
  }
  return row
}

function fieldOf(name: string, xid: bigint, fresh: Row | null, old: Row | null): string | null {
  switch (name) {
    case '__x':
      return String(xid)
    case '__n':
      return '0'
    case '__new':
      return fresh === null ? 'f' : 't'
    case '__old':
      return old === null ? 'f' : 't'
    default: {
      const position = Number(name.slice(4)) - 1
      return (name.startsWith('new_') ? fresh : name.startsWith('old_') ? old : null)?.[position] ?? null
    }
  }
}
