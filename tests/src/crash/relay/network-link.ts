import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

/** A way to a server that can be cut, can stand still, and can be slow. */
export interface NetworkLink extends AsyncDisposable {
  /** `host:port`, through the link. */
  readonly address: string
  /** Resets all connections; returns how many there were. New ones are let through. */
  cut(): number
  /** Nothing comes through, either way, and nobody is told; returns how many connections there are. */
  freeze(): number
  thaw(): void
  /** Whatever is sent is on its way for so long. */
  slow(ms: number): void
  /** How often something was sent on while it was slow. */
  delayed(): number
}

/** Sees what comes of a connection, and says what is sent on in its place. */
export interface Filter {
  readonly toServer: (chunk: Buffer) => Promise<readonly Buffer[]>
  readonly toClient: (chunk: Buffer) => Promise<readonly Buffer[]>
}

const UNCHANGED: Filter = {
  toServer: (chunk) => Promise.resolve([chunk]),
  toClient: (chunk) => Promise.resolve([chunk]),
}

export async function networkLink(to: string, filter: () => Filter = () => UNCHANGED): Promise<NetworkLink> {
  const [host, port] = to.split(':')
  const sockets = new Set<Socket>()
  const state = { frozen: false, slowMs: 0, delayed: 0 }
  const pipe = (from: Socket, into: Socket, pass: Filter['toServer']) => {
    let turn = Promise.resolve()
    from.on('data', (chunk) => {
      turn = turn.then(async () => {
        for (const bytes of await pass(chunk)) {
          if (state.slowMs > 0) {
            state.delayed++
            await sleep(state.slowMs)
          }
          if (into.writable) into.write(bytes)
        }
      })
    })
    from.on('error', () => into.destroy())
    from.on('close', () => {
      sockets.delete(from)
      into.destroy()
    })
  }
  const door = createServer({ noDelay: true }, (client) => {
    const server = createConnection({ host: host ?? '', port: Number(port), noDelay: true })
    const { toServer, toClient } = filter()
    pipe(client, server, toServer)
    pipe(server, client, toClient)
    for (const socket of [client, server]) {
      sockets.add(socket)
      if (state.frozen) socket.pause()
    }
  }).listen(0, '127.0.0.1')
  await once(door, 'listening')
  const listening = door.address()
  if (typeof listening !== 'object' || listening === null) throw new Error('the link does not listen')
  const cut = () => {
    const count = sockets.size / 2
    for (const socket of sockets) socket.resetAndDestroy()
    return count
  }
  return {
    address: `127.0.0.1:${listening.port}`,
    cut,
    freeze: () => {
      state.frozen = true
      for (const socket of sockets) socket.pause()
      return sockets.size / 2
    },
    thaw: () => {
      state.frozen = false
      for (const socket of sockets) socket.resume()
    },
    slow: (ms) => void (state.slowMs = ms),
    delayed: () => state.delayed,
    [Symbol.asyncDispose]: async () => {
      door.close()
      cut()
      await once(door, 'close')
    },
  }
}
