import { identifier, join, type Queryable, sql } from '@freshet/core'
import { logTable } from '../capture-names.ts'
import { type Message, type Tuple, UNCHANGED } from './pgoutput.ts'
import { arrayOfRecords, recordText } from './record-text.ts'
import type { LogField, Target } from './targets.ts'

/**
 * Gathers the rows of transactions and writes them to the logs of their sources, many at once and never more than a
 * bound: a transaction of any size passes through.
 *
 *   INSERT    new        UPDATE    new beside old, unless the captured columns kept their text
 *   DELETE    old        TRUNCATE  a marker
 *
 * What can not be told as rows is a marker, one for each transaction and source.
 */
export type Change = Extract<Message, { kind: 'insert' | 'update' | 'delete' | 'truncate' }>

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

  /** As much waits as may: `flush` before more is written. */
  get full(): boolean {
    return this.#rows >= MOST_ROWS || this.#bytes >= MOST_BYTES
  }

  write(target: Target, xid: string, change: Change): void {
    const rows = target.fit && change.kind !== 'truncate' ? sides(target, change) : null
    if (rows === null) return this.#mark(target, xid)
    const { fresh, old } = rows
    if (fresh !== null && old !== null && fresh.every((value, i) => value === old[i])) return
    this.#add(target, xid, fresh, old)
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

  #mark(target: Target, xid: string): void {
    const key = `${target.stableName} ${xid}`
    if (this.#marked.has(key)) return
    this.#marked.add(key)
    this.#add(target, xid, null, null)
  }

  #add(target: Target, xid: string, fresh: Row | null, old: Row | null): void {
    const record = recordText(target.fields.map((field) => valueOf(field, xid, fresh, old)))
    const known = this.#waiting.get(target)
    if (known === undefined) this.#waiting.set(target, [record])
    else known.push(record)
    this.#rows++
    this.#bytes += record.length
  }
}

type Row = readonly (string | null)[]

/** The captured columns of the new and the old row; null when the change does not tell them all. */
function sides(
  target: Target,
  change: Exclude<Change, { kind: 'truncate' }>,
): { readonly fresh: Row | null; readonly old: Row | null } | null {
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
    let value = tuple.value(place)
    if (value === UNCHANGED) value = before?.value(place)
    if (value === undefined || value === UNCHANGED) return undefined
    row.push(value)
  }
  return row
}

function valueOf(field: LogField, xid: string, fresh: Row | null, old: Row | null): string | null {
  switch (field.kind) {
    case 'transaction':
      return xid
    case 'node':
      return '0'
    case 'has new':
      return fresh === null ? 'f' : 't'
    case 'has old':
      return old === null ? 'f' : 't'
    case 'new':
      return fresh?.[field.column] ?? null
    case 'old':
      return old?.[field.column] ?? null
    case 'none':
      return null
  }
}
