import { EVENT_ID_HEADER } from '@freshet/relay'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'

/**
 * The rival: a relay that remembers the last id and asks for what is greater. Each page goes to an idempotent producer
 * without transactions; then the id is recorded.
 */
export async function pollingOutbox(client: pg.Client, address: string, pageRows: number): Promise<AsyncDisposable> {
  const producer = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING }).producer({
    idempotent: true,
    maxInFlightRequests: 1,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  await producer.connect()
  await client.query('create table if not exists polling_position (last bigint not null)')
  await client.query('truncate polling_position')
  await client.query('insert into polling_position values (0)')
  let running = true
  const ended = (async () => {
    let last = '0'
    while (running) {
      const { rows } = await client.query<{ id: string; topic: string; key: string; payload: string }>(
        'select id, topic, key, payload::text as payload from outbox where id > $1 order by id limit $2',
        [last, pageRows],
      )
      if (rows.length === 0) {
        await sleep(5)
        continue
      }
      // all of a case go to one topic
      const topic = rows[0]?.topic ?? ''
      const messages = rows.map(({ id, key, payload }) => ({ key, value: payload, headers: { [EVENT_ID_HEADER]: id } }))
      await producer.send({ acks: -1, topic, messages })
      last = rows.at(-1)?.id ?? last
      await client.query('update polling_position set last = $1', [last])
    }
  })()
  return {
    [Symbol.asyncDispose]: async () => {
      running = false
      await ended
      await producer.disconnect()
    },
  }
}
