import { createClient, RESP_TYPES } from '@redis/client'
import type { Message } from '../../message.ts'
import { FIELDS } from './redis.ts'

/** Sends a command, and answers with its reply, whose texts are bytes. */
export async function askRedis(port: number, ...command: string[]): Promise<unknown> {
  const client = createClient({
    url: `redis://127.0.0.1:${port}`,
    RESP: 2,
    commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } },
  })
  await client.connect()
  try {
    return await client.sendCommand(command)
  } finally {
    client.destroy()
  }
}

/** Everything that a stream holds, as messages. */
export async function readRedisStream(port: number, stream: string): Promise<readonly Message[]> {
  const entries = (await askRedis(port, 'XRANGE', stream, '-', '+')) as readonly (readonly [
    Buffer,
    readonly Buffer[],
  ])[]
  return entries.map(([, fields]) => {
    const pairs = fields.flatMap((name, i) => (i % 2 === 0 ? [[String(name), fields[i + 1] ?? name] as const] : []))
    const found = new Map(pairs)
    const headers = pairs.filter(([name]) => name.startsWith(FIELDS.header))
    return {
      id: String(found.get(FIELDS.id)),
      topic: stream,
      key: found.get(FIELDS.key)?.toString() ?? null,
      headers: Object.fromEntries(headers.map(([name, text]) => [name.slice(FIELDS.header.length), String(text)])),
      value: found.get(FIELDS.value) ?? null,
    }
  })
}
