import { FreshetError, type Lsn, lsn } from '@freshet/core'

/**
 * What PostgreSQL's output plugin `pgoutput` (protocol 1) sends, from bytes to messages. Pure.
 *
 * Values stay the text that the type's output function gave: nothing is parsed, so nothing is rounded. A null, an empty
 * text and a value that the server left out, because it is stored out of line and did not change, are three things.
 */
export const UNCHANGED: unique symbol = Symbol('unchanged')

export type Value = string | null | typeof UNCHANGED

/**
 * A row as it came: most readers want few of its values, so each is made when it is asked for. Until then it is a text
 * of one character a byte, which costs less to keep than bytes do.
 */
export class Tuple {
  readonly #bytes: string
  /** Of each value where it begins and ends; or twice what it is in place of a text. */
  readonly #spans: readonly number[]

  constructor(bytes: string, spans: readonly number[]) {
    this.#bytes = bytes
    this.#spans = spans
  }

  get length(): number {
    return this.#spans.length / 2
  }

  /** Undefined: the row has no such place. */
  value(place: number): Value | undefined {
    const begin = this.#spans[2 * place]
    if (begin === undefined) return undefined
    if (begin === IS_NULL) return null
    if (begin === IS_LEFT_OUT) return UNCHANGED
    const bytes = this.#bytes.slice(begin, this.#spans[2 * place + 1])
    return BEYOND_ASCII.test(bytes) ? Buffer.from(bytes, 'latin1').toString('utf8') : bytes
  }
}

const IS_NULL = -1
const IS_LEFT_OUT = -2
const BEYOND_ASCII = /[\u0080-\u00ff]/

export type Message =
  | {
      readonly kind: 'begin'
      /** Where the commit record is, which orders transactions in the stream. */
      readonly commit: Lsn
      /** The top-level transaction's id, its low 32 bits. */
      readonly xid: number
    }
  | {
      readonly kind: 'commit'
      readonly commit: Lsn
      /** Just after the commit record: what may be confirmed once the transaction is applied. */
      readonly end: Lsn
    }
  | {
      readonly kind: 'relation'
      readonly relation: number
      readonly schema: string
      readonly table: string
      /** `full`: old rows are whole. `key`: they have the columns of a key, if these changed. `nothing`: there are none. */
      readonly identity: 'key' | 'nothing' | 'full'
      readonly columns: readonly StreamedColumn[]
    }
  | { readonly kind: 'insert'; readonly relation: number; readonly new: Tuple }
  | { readonly kind: 'update'; readonly relation: number; readonly old: Tuple | null; readonly new: Tuple }
  | { readonly kind: 'delete'; readonly relation: number; readonly old: Tuple }
  | { readonly kind: 'truncate'; readonly relations: readonly number[] }
  /** Written with `pg_logical_emit_message`. */
  | { readonly kind: 'message'; readonly prefix: string; readonly content: string }
  /** Of no use here: user-defined types, and where a transaction came from. */
  | { readonly kind: 'type' | 'origin' }

export interface StreamedColumn {
  readonly name: string
  readonly type: number
  readonly modifier: number
}

export function decodeMessage(bytes: Buffer): Message {
  const reader = new Reader(bytes)
  const tag = reader.tag()
  switch (tag) {
    case 'B': {
      const commit = reader.lsn()
      reader.skip(8)
      return { kind: 'begin', commit, xid: reader.uint32() }
    }
    case 'C':
      reader.skip(1)
      return { kind: 'commit', commit: reader.lsn(), end: reader.lsn() }
    case 'R':
      return relation(reader)
    case 'I': {
      const oid = reader.uint32()
      reader.expect('N')
      return { kind: 'insert', relation: oid, new: reader.tuple() }
    }
    case 'U':
      return update(reader)
    case 'D': {
      const oid = reader.uint32()
      reader.expect('O', 'K')
      return { kind: 'delete', relation: oid, old: reader.tuple() }
    }
    case 'T': {
      const count = reader.uint32()
      reader.skip(1)
      return { kind: 'truncate', relations: Array.from({ length: count }, () => reader.uint32()) }
    }
    case 'M':
      reader.skip(9)
      return { kind: 'message', prefix: reader.name(), content: reader.text(reader.uint32()) }
    case 'Y':
      return { kind: 'type' }
    case 'O':
      return { kind: 'origin' }
    default:
      throw malformed(`a message of the unknown kind ${JSON.stringify(tag)}`)
  }
}

function relation(reader: Reader): Message {
  const oid = reader.uint32()
  const schema = reader.name()
  const table = reader.name()
  const identity = IDENTITIES[reader.tag()] ?? 'key'
  const columns = Array.from({ length: reader.uint16() }, () => {
    reader.skip(1)
    return { name: reader.name(), type: reader.uint32(), modifier: reader.int32() }
  })
  // pg_catalog has no name here
  return { kind: 'relation', relation: oid, schema: schema === '' ? 'pg_catalog' : schema, table, identity, columns }
}

const IDENTITIES: Readonly<Record<string, 'key' | 'nothing' | 'full'>> = { d: 'key', i: 'key', n: 'nothing', f: 'full' }

function update(reader: Reader): Message {
  const oid = reader.uint32()
  const first = reader.expect('O', 'K', 'N')
  if (first === 'N') return { kind: 'update', relation: oid, old: null, new: reader.tuple() }
  const old = reader.tuple()
  reader.expect('N')
  return { kind: 'update', relation: oid, old, new: reader.tuple() }
}

class Reader {
  readonly #bytes: Buffer
  #at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  skip(count: number): void {
    this.#at += count
  }

  tag(): string {
    return String.fromCharCode(this.#bytes.readUInt8(this.#at++))
  }

  expect(...tags: readonly string[]): string {
    const tag = this.tag()
    if (!tags.includes(tag)) throw malformed(`${JSON.stringify(tag)} in place of ${tags.join(' or ')}`)
    return tag
  }

  uint16(): number {
    this.#at += 2
    return this.#bytes.readUInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#bytes.readInt32BE(this.#at - 4)
  }

  uint32(): number {
    this.#at += 4
    return this.#bytes.readUInt32BE(this.#at - 4)
  }

  lsn(): Lsn {
    this.#at += 8
    return lsn(this.#bytes.readBigUInt64BE(this.#at - 8))
  }

  text(length: number): string {
    const from = this.#at
    this.#skipText(length)
    return this.#bytes.toString('utf8', from, this.#at)
  }

  name(): string {
    const end = this.#bytes.indexOf(0, this.#at)
    if (end < 0) throw malformed('a name without an end')
    const name = this.text(end - this.#at)
    this.#at++
    return name
  }

  tuple(): Tuple {
    const count = this.uint16()
    const from = this.#at
    const spans: number[] = []
    for (let i = 0; i < count; i++) {
      const form = this.#bytes.readUInt8(this.#at++)
      if (form === TEXT) {
        const length = this.uint32()
        spans.push(this.#at - from, this.#at - from + length)
        this.#skipText(length)
      } else if (form === NULL) spans.push(IS_NULL, IS_NULL)
      else if (form === LEFT_OUT) spans.push(IS_LEFT_OUT, IS_LEFT_OUT)
      else throw malformed(`a value in the unknown form ${form}`)
    }
    return new Tuple(this.#bytes.toString('latin1', from, this.#at), spans)
  }

  #skipText(length: number): void {
    this.#at += length
    if (this.#at > this.#bytes.length) throw malformed('a value that ends after its message')
  }
}

const TEXT = 't'.charCodeAt(0)
const NULL = 'n'.charCodeAt(0)
const LEFT_OUT = 'u'.charCodeAt(0)

function malformed(what: string): FreshetError {
  return new FreshetError('INTERNAL', `the replication stream holds ${what}`)
}
