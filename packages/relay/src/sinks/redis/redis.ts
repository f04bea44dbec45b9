import { FreshetError } from '@freshet/core'
import { createClient, RESP_TYPES } from '@redis/client'
import { randomUUID } from 'node:crypto'
import type { Message } from '../../message.ts'
import { RefusedMessage } from '../../refused-message.ts'
import type { Sink } from '../../sink.ts'
import { nodeTls, type TlsOptions } from '../tls.ts'
import { fromRedis } from './redis-errors.ts'
import { DELIVER, TAKE_OVER } from './redis-scripts.ts'
import { requireSafe } from './server-settings.ts'

/**
 * Redis Streams, exactly once: messages and the position that they lead to are written by one script, which nobody sees half
 * of, and which Redis keeps or loses as a whole. The topic is the stream's key.
 *
 * Whoever opens writes its name into the consumer's hash; a script of any other name is refused.
 */
export interface RedisSinkOptions {
  /** `redis://user:password@host:port/database`, `rediss://…` with TLS. */
  readonly url: string
  /** Of `rediss://…`. */
  readonly tls?: TlsOptions
  /** Of the consumer, in all databases that deliver to this Redis. */
  readonly identity: string
  /** Default `fsync`: it is refused where Redis answers before it has written to the disk. */
  readonly durability?: 'fsync' | 'server'
  /** How long a script may take. Default 30 seconds. */
  readonly timeoutMs?: number
}

export function redisSink(options: RedisSinkOptions): Sink {
  return new RedisSink(options)
}

/** Fields of an entry; those of the message's headers follow. */
export const FIELDS = { id: 'id', key: 'key', value: 'value', header: 'header:' } as const

const CONNECT_MS = 5_000
/** Of a script: Redis does nothing else meanwhile. */
const MESSAGES_A_SCRIPT = 500
const BYTES_A_SCRIPT = 4 * 1_048_576
/** A value of Redis is at most 512 MB, and the script's stack holds some thousand fields. */
const LARGEST_BYTES = 256 * 1_048_576
const MOST_FIELDS = 2_000

class RedisSink implements Sink {
  readonly guarantee = 'exactly once'
  readonly #options: RedisSinkOptions
  readonly #owner = randomUUID()
  readonly #client: ReturnType<typeof clientOf>
  readonly #keys: [string, string]

  constructor(options: RedisSinkOptions) {
    this.#options = options
    this.#client = clientOf(options)
    // every command that it breaks says so, too
    this.#client.on('error', () => undefined)
    const hash = `freshet:relay:${options.identity}`
    this.#keys = [hash, `${hash}:waiting`]
  }

  async open(): Promise<string | null> {
    try {
      await this.#client.connect()
      await requireSafe((...command) => this.#client.sendCommand(command), this.#options.durability ?? 'fsync')
      const position = await this.#client.eval(TAKE_OVER, { keys: this.#keys, arguments: [this.#owner] })
      if (position === null || typeof position === 'string') return position
      throw new FreshetError('INTERNAL', `Redis answered with a position that is no text: ${typeof position}`)
    } catch (error) {
      await this.close()
      throw fromRedis(error)
    }
  }

  async deliver(messages: readonly Message[], position: string | null): Promise<void> {
    if (!this.#client.isOpen) throw new FreshetError('SINK_UNAVAILABLE', 'the connection to Redis was given up')
    try {
      for (const message of messages) check(message)
      let left = messages.length
      for (const part of parts(messages)) {
        left -= part.length
        if (left > 0) await this.#run(part, null)
        else await this.#run(part, position)
      }
      if (messages.length === 0 && position !== null) await this.#run([], position)
    } catch (error) {
      await this.close()
      throw fromRedis(error)
    }
  }

  close(): Promise<void> {
    if (this.#client.isOpen) this.#client.destroy()
    return Promise.resolve()
  }

  async #run(messages: readonly Message[], position: string | null): Promise<void> {
    const args: (string | Buffer)[] = [this.#owner, position === null ? '0' : '1', position ?? '']
    for (const message of messages) {
      const fields = fieldsOf(message)
      args.push(message.topic, String(fields.length), ...fields)
    }
    await this.#client.eval(DELIVER, { keys: this.#keys, arguments: args })
  }
}

function clientOf({ url, tls, timeoutMs = 30_000 }: RedisSinkOptions) {
  return createClient({
    url,
    RESP: 2,
    name: 'freshet-relay',
    disableOfflineQueue: true,
    // the relay begins anew with another sink: a script whose answer was lost may have done its work
    socket: {
      reconnectStrategy: false,
      connectTimeout: CONNECT_MS,
      socketTimeout: timeoutMs,
      ...(tls === undefined ? {} : { tls: true as const, ...nodeTls(tls) }),
    },
    pingInterval: Math.ceil(timeoutMs / 3),
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: String } },
  })
}

function fieldsOf({ id, key, headers, value }: Message): readonly (string | Buffer)[] {
  const fields: (string | Buffer)[] = [FIELDS.id, id]
  if (key !== null) fields.push(FIELDS.key, key)
  for (const [name, text] of Object.entries(headers)) fields.push(`${FIELDS.header}${name}`, text)
  if (value !== null) fields.push(FIELDS.value, value)
  return fields
}

/** What Redis would take, and make something else of, or end the connection for. */
function check(message: Message): void {
  if (message.topic.startsWith('freshet:relay:'))
    throw new RefusedMessage(message, `the key ${message.topic} belongs to the relay`)
  if (sizeOf(message) > LARGEST_BYTES) throw new RefusedMessage(message, 'it is larger than Redis takes')
  if (fieldsOf(message).length > MOST_FIELDS) throw new RefusedMessage(message, 'it has too many headers')
}

function sizeOf(message: Message): number {
  return fieldsOf(message).reduce((size, field) => size + Buffer.byteLength(field), 0)
}

function* parts(messages: readonly Message[]): Generator<readonly Message[], void, void> {
  let part: Message[] = []
  let bytes = 0
  for (const message of messages) {
    const size = sizeOf(message)
    if (part.length === MESSAGES_A_SCRIPT || (part.length > 0 && bytes + size > BYTES_A_SCRIPT)) {
      yield part
      part = []
      bytes = 0
    }
    part.push(message)
    bytes += size
  }
  if (part.length > 0) yield part
}
