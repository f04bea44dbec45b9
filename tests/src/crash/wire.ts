/**
 * PostgreSQL's protocol as a proxy needs it: bytes cut into messages, and the text of a statement found in them.
 *
 * A client's first message has no type. What it asks comes in groups that end with a simple query (`Q`) or a sync (`S`),
 * and for each of them the server answers once that it is ready (`Z`).
 */
export interface WireMessage {
  /** One character; empty for a client's first message. */
  readonly type: string
  readonly bytes: Buffer
}

export class WireReader {
  #rest: Buffer = Buffer.alloc(0)
  #typed: boolean

  constructor(side: 'client' | 'server') {
    this.#typed = side === 'server'
  }

  *read(chunk: Buffer): Generator<WireMessage> {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    for (;;) {
      const head = this.#typed ? 1 : 0
      if (this.#rest.length < head + 4) return
      const end = head + this.#rest.readInt32BE(head)
      if (this.#rest.length < end) return
      const bytes = this.#rest.subarray(0, end)
      const type = this.#typed ? String.fromCharCode(bytes.readUInt8(0)) : ''
      this.#rest = this.#rest.subarray(end)
      this.#typed = true
      yield { type, bytes }
    }
  }
}

/** The name of a prepared statement and its text, of a Parse message. */
export function parsed({ bytes }: WireMessage): { readonly name: string; readonly text: string } {
  const end = bytes.indexOf(0, 5)
  return { name: bytes.toString('utf8', 5, end), text: bytes.toString('utf8', end + 1, bytes.indexOf(0, end + 1)) }
}

/** The name of the prepared statement that a Bind message runs. */
export function bound({ bytes }: WireMessage): string {
  const portal = bytes.indexOf(0, 5)
  return bytes.toString('utf8', portal + 1, bytes.indexOf(0, portal + 1))
}

/** The text of a simple query. */
export function queried({ bytes }: WireMessage): string {
  return bytes.toString('utf8', 5, bytes.indexOf(0, 5))
}

export function query(text: string): Buffer {
  const body = Buffer.from(`${text}\0`)
  const head = Buffer.alloc(5)
  head.write('Q')
  head.writeInt32BE(body.length + 4, 1)
  return Buffer.concat([head, body])
}

/** The first words of a statement. */
export function labelOf(text: string): string {
  const words = text.replaceAll(/\s+/g, ' ').trim()
  return words.length <= 60 ? words : `${words.slice(0, 57)}...`
}
