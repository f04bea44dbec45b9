import { once } from 'node:events'
import { createServer } from 'node:http'
import type { TestDatabase } from '@freshet/testkit'

/** A message that a webhook was asked to take. */
export interface Posted {
  readonly id: string
  readonly content: string
}

/** An address that webhooks go to; a message is taken when `take` is done. It ends with the database. */
export async function startHook(own: TestDatabase, take: (message: Posted) => Promise<void>): Promise<string> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const id = String(request.headers['freshet-event-id'])
      void take({ id, content: Buffer.concat(chunks).toString() }).then(() => response.end())
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  own.defer(() => {
    server.closeAllConnections()
    server.close()
    return Promise.resolve()
  })
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the hook does not listen')
  return `http://127.0.0.1:${address.port}/`
}
