import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, test } from 'vitest'
import { connect } from './postgres.ts'

/** A message of PostgreSQL's protocol. */
function message(type: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(body.length + 4)
  return Buffer.concat([Buffer.from(type), length, body])
}

test('a server that is ready and dies in one breath: an error for who asked, not the end of the process', async () => {
  const ready = [message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]
  const fatal = message('E', Buffer.from('SFATAL\0VFATAL\0C57P01\0Munexpected postmaster exit\0\0'))
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', () => socket.end(Buffer.concat([...ready, fatal])))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    await expect(connect(`postgres://somebody@127.0.0.1:${port}/nothing`)).rejects.toMatchObject({
      name: 'FreshetError',
    })
  } finally {
    server.close()
  }
})
