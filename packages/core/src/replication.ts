import { Client } from 'pg'
import { checkDatabaseUrl } from './connection-url.ts'
import { FreshetError } from './errors.ts'
import { type Lsn, lsn, printLsn } from './lsn.ts'
import { fromDriver } from './postgres-error.ts'
import { identifier, literal } from './sql.ts'

/**
 * A logical replication stream: what a slot's output plugin sends, in order, and how far the receiver has got.
 *
 * Nothing is confirmed but what `confirm` was told: the server keeps its log from there on and sends the rest again. The
 * position goes out when it changes, when the server asks, and every few seconds, as a sign of life. While messages wait to
 * be taken, the connection is not read beyond a bound, so memory stays flat however fast the server is.
 *
 * With each sign of life the server is asked for one. A stream that broke without a word ends by that: the server has
 * ended it long ago, and would lend the slot to the next.
 */
export interface ReplicationStream<Message> {
  /** What has come, at least one of them; waits for it. Throws when the stream broke, and after `close`. */
  next(): Promise<readonly StreamItem<Message>[]>
  /** Everything before this position is durable here. Never goes back. */
  confirm(position: Lsn): void
  close(): Promise<void>
}

export type StreamItem<Message> =
  | { readonly kind: 'message'; readonly message: Message }
  /** Everything that committed before this position has been sent. */
  | { readonly kind: 'position'; readonly position: Lsn }

export interface ReplicationOptions<Message> {
  readonly url: string
  readonly slot: string
  /** Where to go on; the server goes on where the slot was confirmed if that is later. */
  readonly from: Lsn
  /** The plugin's own options. */
  readonly pluginOptions: Readonly<Record<string, string>>
  /** Called with the plugin's bytes, which are only good for the time of the call. */
  readonly decode: (bytes: Buffer) => Message
  readonly applicationName?: string
  /** A server from which nothing has come for so long, though it was asked, is gone. Default a minute. */
  readonly silenceMs?: number
}

/** How text looks depends on these: the receiver must read it with the same. */
export const REPLICATION_SETTINGS: Readonly<Record<string, string>> = {
  datestyle: 'ISO',
  intervalstyle: 'postgres',
  extra_float_digits: '3',
  timezone: 'UTC',
  lc_monetary: 'C',
  bytea_output: 'hex',
  xmlbinary: 'base64',
  search_path: 'pg_catalog',
}

export async function openReplication<Message>(
  options: ReplicationOptions<Message>,
): Promise<ReplicationStream<Message>> {
  const settings = Object.entries(REPLICATION_SETTINGS).map(([name, value]) => `-c ${name}=${value}`)
  const config = {
    connectionString: checkDatabaseUrl(options.url),
    application_name: options.applicationName ?? 'freshet-wal',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
    options: settings.join(' '),
    replication: 'database',
  }
  const client = new Client(config)
  const stream = new PgReplication(client, options)
  await stream.start()
  return stream
}

/**
 * Decoded messages wait up to about so many bytes before the connection is paused. No more than two reads of a socket:
 * what waits long grows old in the collector's eyes, which then copies nearly all of it twice (a fifth of the time).
 */
const MOST_WAITING = 1 << 17
const SIGN_OF_LIFE_MS = 5_000
const SILENCE_MS = 60_000

const DATA = 'w'.charCodeAt(0)
const KEEPALIVE = 'k'.charCodeAt(0)
const STATUS = 'r'.charCodeAt(0)
/** Microseconds between the epochs of Unix and PostgreSQL. */
const EPOCH_MICROSECONDS = 946_684_800_000_000n

class PgReplication<Message> implements ReplicationStream<Message> {
  readonly #client: Client
  readonly #options: ReplicationOptions<Message>
  #waiting: StreamItem<Message>[] = []
  #bytes = 0
  #paused = false
  #failure: FreshetError | undefined
  #wake: (() => void) | undefined
  #confirmed: Lsn
  #timer: NodeJS.Timeout | undefined
  #heardAt = 0
  #closing: Promise<void> | undefined

  constructor(client: Client, options: ReplicationOptions<Message>) {
    this.#client = client
    this.#options = options
    this.#confirmed = options.from
  }

  async start(): Promise<void> {
    const { slot, from, pluginOptions } = this.#options
    const client = this.#client
    client.on('error', (error) => this.#fail(error))
    client.on('end', () => this.#fail(new Error('the server closed the stream')))
    try {
      await client.connect()
    } catch (error) {
      throw fromDriver(error, 'connecting')
    }
    const wire = wireOf(client)
    wire.on('copyData', ({ chunk }) => this.#receive(chunk))
    const list = Object.entries(pluginOptions).map(([name, value]) => `${identifier(name).text} ${literal(value).text}`)
    const started = new Promise<void>((resolve) => wire.on('replicationStart', resolve))
    // its keywords are capitals. It ends with the stream; until then, an error is the server's refusal
    const ended = client
      .query(`START_REPLICATION SLOT ${identifier(slot).text} LOGICAL ${printLsn(from)} (${list.join(', ')})`)
      .then(
        () => this.#fail(new Error('the server ended the stream')),
        (error: unknown) => this.#fail(error),
      )
    await Promise.race([started, ended])
    if (this.#failure !== undefined) {
      await this.close()
      throw this.#failure
    }
    this.#heardAt = performance.now()
    const silenceMs = this.#options.silenceMs ?? SILENCE_MS
    this.#timer = setInterval(() => this.#signOfLife(silenceMs), Math.min(SIGN_OF_LIFE_MS, silenceMs / 3))
  }

  async next(): Promise<readonly StreamItem<Message>[]> {
    while (this.#waiting.length === 0) {
      if (this.#failure !== undefined) throw this.#failure
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const items = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    if (this.#paused) {
      this.#paused = false
      wireOf(this.#client).stream.resume()
    }
    return items
  }

  confirm(position: Lsn): void {
    if (position <= this.#confirmed) return
    this.#confirmed = position
    this.#report()
  }

  close(): Promise<void> {
    this.#closing ??= (async () => {
      clearInterval(this.#timer)
      this.#fail(new Error('the stream was closed'))
      wireOf(this.#client).stream.destroy()
      await this.#client.end()
    })()
    return this.#closing
  }

  #receive(chunk: Buffer): void {
    this.#heardAt = performance.now()
    try {
      const kind = chunk.readUInt8(0)
      if (kind === DATA) {
        this.#waiting.push({ kind: 'message', message: this.#options.decode(chunk.subarray(25)) })
      } else if (kind === KEEPALIVE) {
        this.#waiting.push({ kind: 'position', position: lsn(chunk.readBigUInt64BE(1)) })
        if (chunk.readUInt8(17) !== 0) this.#report()
      }
    } catch (error) {
      this.#fail(error)
    }
    this.#bytes += chunk.length
    if (this.#bytes > MOST_WAITING && !this.#paused) {
      this.#paused = true
      wireOf(this.#client).stream.pause()
    }
    this.#wake?.()
  }

  #signOfLife(silenceMs: number): void {
    // who does not read does not hear
    if (this.#paused) this.#heardAt = performance.now()
    if (performance.now() - this.#heardAt <= silenceMs) return this.#report(true)
    this.#fail(new Error(`nothing has come from the server for ${silenceMs / 1000} s`))
    wireOf(this.#client).stream.destroy()
  }

  /** Positions are those of the next byte, as the server counts them: not one more. */
  #report(answer = false): void {
    if (this.#failure !== undefined) return
    const status = Buffer.alloc(34)
    status.writeUInt8(STATUS, 0)
    for (const at of [1, 9, 17]) status.writeBigUInt64BE(this.#confirmed, at)
    status.writeBigInt64BE(BigInt(Date.now()) * 1000n - EPOCH_MICROSECONDS, 25)
    status.writeUInt8(answer ? 1 : 0, 33)
    wireOf(this.#client).sendCopyFromChunk(status)
  }

  #fail(error: unknown): void {
    this.#failure ??= fromDriver(error, 'broken')
    this.#wake?.()
  }
}

/** The driver's connection under a client; its types do not show what replication needs. */
interface Wire {
  readonly stream: { pause(): void; resume(): void; destroy(): void }
  on(event: 'copyData', listener: (message: { readonly chunk: Buffer }) => void): unknown
  on(event: 'replicationStart', listener: () => void): unknown
  sendCopyFromChunk(chunk: Buffer): void
}

function wireOf(client: Client): Wire {
  const wire: unknown = Reflect.get(client, 'connection')
  if (!isWire(wire)) throw new FreshetError('INTERNAL', 'the driver has no connection to stream over')
  return wire
}

function isWire(value: unknown): value is Wire {
  return typeof value === 'object' && value !== null && 'sendCopyFromChunk' in value && 'stream' in value
}
