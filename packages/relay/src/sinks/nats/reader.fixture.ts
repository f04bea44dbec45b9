import { jetstream, jetstreamManager } from '@nats-io/jetstream'
import { connect } from '@nats-io/transport-node'
import type { Message } from '../../message.ts'
import { ID_HEADER, KEY_HEADER, TOMBSTONE_HEADER } from './nats-message.ts'

/** Everything that a stream holds, as messages. */
export async function readStream(port: number, stream: string): Promise<readonly Message[]> {
  const connection = await connect({ servers: `127.0.0.1:${port}`, reconnect: false })
  try {
    const { streams } = await jetstreamManager(connection)
    const { state } = await streams.info(stream)
    if (state.messages === 0) return []
    const consumer = await jetstream(connection).consumers.get(stream)
    const found: Message[] = []
    for await (const stored of await consumer.fetch({ max_messages: state.messages })) {
      const headers = new Map([...(stored.headers ?? [])].map(([name, [text = '']]) => [name, text]))
      const key = headers.get(KEY_HEADER)
      const tombstone = headers.get(TOMBSTONE_HEADER) === 'true'
      const own = [...headers].filter(([name]) => ![ID_HEADER, KEY_HEADER, TOMBSTONE_HEADER].includes(name))
      found.push({
        id: headers.get(ID_HEADER) ?? '',
        topic: stored.subject,
        key: key === undefined ? null : decodeURIComponent(key),
        headers: Object.fromEntries(own),
        value: tombstone ? null : Buffer.from(stored.data),
      })
    }
    return found
  } finally {
    await connection.close()
  }
}
