import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { bound, labelOf, parsed, queried, query, WireReader, type WireMessage } from './wire.ts'

/**
 * A way to the server on which every boundary between two statements is a point where something can happen: before a
 * statement is passed on, or after the server has answered it and before the client hears of it, when only the server
 * knows whether it was committed.
 *
 * Statements are numbered as they come, over all connections, from the last `listen` on.
 */
export interface FaultLink extends AsyncDisposable {
  /** Of the same database, through the link. */
  readonly url: string
  /** Begins to count; `fault` happens once, when its point is reached. The link is whole again. */
  listen(fault?: Fault): void
  /** The statements so far. */
  exchanges(): readonly Exchange[]
  /** Connections are reset; new ones are let through, or reset as well. */
  cut(afterwards: 'open' | 'closed'): void
  /** What the connections of now send is swallowed, both ways, and they stay. New ones are let through, or swallowed too. */
  hush(afterwards: 'open' | 'hushed'): void
}

export interface Exchange {
  readonly number: number
  /** The first words of the statement. */
  readonly label: string
  /** Of the server's process that it goes to. */
  readonly pid: number
}

export interface Fault {
  /** The number of the statement, or what its words are; the first that fits. */
  readonly at: number | ((label: string) => boolean)
  readonly side: 'before' | 'after'
  /** The connection stands still until it returns; what it returns is sent in place of the statement. */
  strike(exchange: Exchange): Promise<Replacement>
}

/** `nothing`: neither the statement nor its answer comes through. `itself`: it goes on as if nothing had been. */
export type Replacement = 'nothing' | 'itself' | { readonly text: string }

interface Group extends Exchange {
  readonly bytes: Buffer
}

export async function faultLink(to: string): Promise<FaultLink> {
  const target = new URL(to)
  const wires = new Set<Wire>()
  const state = {
    fault: undefined as Fault | undefined,
    exchanges: [] as Exchange[],
    struck: undefined as number | undefined,
    closed: false,
    hushed: false,
  }
  const world: World = {
    number: (label, pid) => {
      const exchange = { number: state.exchanges.length + 1, label, pid }
      state.exchanges.push(exchange)
      const at = state.fault?.at
      if (
        at !== undefined &&
        state.struck === undefined &&
        (typeof at === 'number' ? exchange.number === at : at(label))
      )
        state.struck = exchange.number
      return exchange
    },
    faultOf: ({ number }) => (state.struck === number ? state.fault : undefined),
  }
  const relay = createServer({ noDelay: true }, (client) => {
    if (state.closed) return void client.resetAndDestroy()
    const server = createConnection({ port: Number(target.port), host: target.hostname, noDelay: true })
    const wire = new Wire(client, server, world)
    wires.add(wire)
    if (state.hushed) wire.hush()
    server.on('close', () => wires.delete(wire))
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const address = relay.address()
  if (typeof address !== 'object' || address === null) throw new Error('the link does not listen')
  const url = new URL(to)
  url.hostname = '127.0.0.1'
  url.port = String(address.port)
  const cut = (afterwards: 'open' | 'closed') => {
    state.closed = afterwards === 'closed'
    for (const wire of wires) wire.cut()
    wires.clear()
  }
  return {
    url: url.toString(),
    listen(fault) {
      Object.assign(state, { fault, exchanges: [], struck: undefined, closed: false, hushed: false })
    },
    exchanges: () => state.exchanges,
    cut,
    hush(afterwards) {
      state.hushed = afterwards === 'hushed'
      for (const wire of wires) wire.hush()
    },
    async [Symbol.asyncDispose]() {
      relay.close()
      cut('closed')
      await once(relay, 'close')
    },
  }
}

interface World {
  number(label: string, pid: number): Exchange
  faultOf(exchange: Exchange): Fault | undefined
}

/** One connection. */
class Wire {
  readonly #client: Socket
  readonly #server: Socket
  readonly #world: World
  readonly #fromClient = new WireReader('client')
  readonly #fromServer = new WireReader('server')
  readonly #prepared = new Map<string, string>()
  #pid = 0
  /** What the client has sent of the group that is on its way, and the words of its statement. */
  #group: Buffer[] = []
  #text = ''
  /** Sent on, and not answered yet; with the answer, where it is kept back. */
  readonly #unanswered: { readonly exchange: Exchange; readonly kept: Buffer[] | null }[] = []
  /** While a fault happens, what comes from the client waits behind it. */
  #turn: Promise<void> = Promise.resolve()
  /** What the server has said behind an answer that is held back, while it is. */
  #behind: Buffer[] | null = null
  #hushed = false

  constructor(client: Socket, server: Socket, world: World) {
    this.#client = client
    this.#server = server
    this.#world = world
    client.on('data', (chunk) => {
      for (const message of this.#fromClient.read(chunk)) this.#ask(message)
    })
    server.on('data', (chunk) => {
      for (const message of this.#fromServer.read(chunk)) this.#answer(message)
    })
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => {
        if (!this.#hushed) other.end()
      })
    }
  }

  cut(): void {
    this.#client.resetAndDestroy()
    this.#server.destroy()
  }

  hush(): void {
    this.#hushed = true
  }

  #ask(message: WireMessage): void {
    const { type, bytes } = message
    if (!GROUPED.has(type)) return this.#later(async () => this.#toServer(bytes))
    this.#group.push(bytes)
    this.#text = this.#textOf(message) ?? this.#text
    if (type !== 'Q' && type !== 'S') return
    const group: Group = { ...this.#world.number(labelOf(this.#text), this.#pid), bytes: Buffer.concat(this.#group) }
    this.#group = []
    this.#text = ''
    this.#later(() => this.#pass(group))
  }

  #textOf(message: WireMessage): string | undefined {
    if (message.type === 'Q') return queried(message)
    if (message.type === 'B') return this.#prepared.get(bound(message))
    if (message.type !== 'P') return undefined
    const { name, text } = parsed(message)
    this.#prepared.set(name, text)
    return text
  }

  async #pass({ bytes, ...exchange }: Group): Promise<void> {
    const fault = this.#world.faultOf(exchange)
    if (fault === undefined) return this.#send(bytes, exchange, null)
    if (fault.side === 'after') return this.#send(bytes, exchange, [])
    const instead = await fault.strike(exchange)
    if (instead === 'itself') this.#send(bytes, exchange, null)
    else if (instead !== 'nothing') this.#send(query(instead.text), exchange, null)
  }

  #send(bytes: Buffer, exchange: Exchange, kept: Buffer[] | null): void {
    this.#unanswered.push({ exchange, kept })
    this.#toServer(bytes)
  }

  #answer({ type, bytes }: WireMessage): void {
    if (type === 'K') this.#pid = bytes.readInt32BE(5)
    const [first] = this.#unanswered
    if (first === undefined || this.#pid === 0) return this.#toClient(bytes)
    if (first.kept === null) this.#toClient(bytes)
    else first.kept.push(bytes)
    if (type !== 'Z' && type !== 'W') return
    this.#unanswered.shift()
    const { kept, exchange } = first
    if (kept === null) return
    this.#behind = []
    this.#later(() => this.#struck(exchange, Buffer.concat(kept)))
  }

  async #struck(exchange: Exchange, answer: Buffer): Promise<void> {
    const instead = await this.#world.faultOf(exchange)?.strike(exchange)
    const behind = this.#behind ?? []
    this.#behind = null
    if (instead === 'itself') this.#toClient(answer)
    this.#toClient(Buffer.concat(behind))
  }

  #later(work: () => Promise<void>): void {
    this.#turn = this.#turn.then(work)
  }

  #toServer(bytes: Buffer): void {
    if (!this.#hushed && this.#server.writable) this.#server.write(bytes)
  }

  #toClient(bytes: Buffer): void {
    if (this.#behind !== null) this.#behind.push(bytes)
    else if (!this.#hushed && this.#client.writable) this.#client.write(bytes)
  }
}

/** Of a group: Query, Parse, Bind, Describe, Execute, Close, Flush, Sync. The rest passes by itself. */
const GROUPED: ReadonlySet<string> = new Set(['Q', 'P', 'B', 'D', 'E', 'C', 'H', 'S'])
