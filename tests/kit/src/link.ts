import { once } from 'node:events'
import { createConnection, createServer, type Socket } from 'node:net'

/** A way to the server that can be cut, and that counts how often a client waited for an answer. */
export interface Link extends AsyncDisposable {
  /** The server's URL, through the link. */
  readonly url: string
  roundTrips(): number
  /** Both ways. */
  bytes(): number
  /** Destroys all connections that go through it. */
  cut(): void
  /** From now on nothing comes through, either way, and nobody is told: as if the client's process stood still. */
  freeze(): void
  thaw(): void
}

export async function countingLink(to: string): Promise<Link> {
  const target = new URL(to)
  let trips = 0
  let bytes = 0
  const clients = new Set<Socket>()
  const sockets = new Set<Socket>()
  let frozen = false
  const relay = createServer((client) => {
    clients.add(client)
    let answered = true
    const server = createConnection(Number(target.port), target.hostname)
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('close', () => sockets.delete(socket))
    }
    client.on('data', (chunk) => {
      if (answered) trips++
      answered = false
      bytes += chunk.length
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      answered = true
      bytes += chunk.length
      client.write(chunk)
    })
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
    server.on('error', () => client.destroy())
    client.on('error', () => server.destroy())
    if (frozen) for (const socket of [client, server]) socket.pause()
  }).listen(0, '127.0.0.1')
  await once(relay, 'listening')
  const url = new URL(to)
  url.hostname = '127.0.0.1'
  const address = relay.address()
  if (typeof address !== 'object' || address === null) throw new Error('the link does not listen')
  url.port = String(address.port)
  return {
    url: url.toString(),
    roundTrips: () => trips,
    bytes: () => bytes,
    cut: () => {
      for (const client of clients) client.destroy()
      clients.clear()
    },
    freeze: () => {
      frozen = true
      for (const socket of sockets) socket.pause()
    },
    thaw: () => {
      frozen = false
      for (const socket of sockets) socket.resume()
    },
    [Symbol.asyncDispose]: async () => {
      relay.close()
      await once(relay, 'close')
    },
  }
}
