import { connect } from 'amqplib'
import type { Message } from '../../message.ts'
import { KEY_HEADER, TOMBSTONE_HEADER } from './rabbitmq-message.ts'

/** Takes everything out of a queue, as messages whose topic is the routing key. */
export async function takeAll(url: string, queue: string): Promise<readonly Message[]> {
  const model = await connect(url)
  try {
    const channel = await model.createChannel()
    const found: Message[] = []
    for (
      let got = await channel.get(queue, { noAck: true });
      got !== false;
      got = await channel.get(queue, { noAck: true })
    ) {
      const { [KEY_HEADER]: key, [TOMBSTONE_HEADER]: tombstone, ...rest } = got.properties.headers ?? {}
      found.push({
        id: String(got.properties.messageId),
        topic: got.fields.routingKey,
        key: key === undefined ? null : String(key),
        headers: Object.fromEntries(Object.entries(rest).map(([name, text]) => [name, String(text)])),
        value: tombstone === 'true' ? null : got.content,
      })
    }
    return found
  } finally {
    await model.close()
  }
}
