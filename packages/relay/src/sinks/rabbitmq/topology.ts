import { FreshetError } from '@freshet/core'
import type { Channel, ChannelModel } from 'amqplib'
import { isNotFound } from './rabbitmq-errors.ts'

export type QueueType = 'quorum' | 'classic'

/** What has to be there when the sink opens. */
export interface WantedTopology {
  /** Null: that of messages is not known before they come, or is the default one. */
  readonly exchange: string | null
  readonly queues: readonly string[]
  /** With what missing queues are made; null: they are not made. */
  readonly create: QueueType | null
}

/** The exchange and all queues are there, or queues are made, durable; what is missing is told together. */
export async function requireTopology(
  model: ChannelModel,
  { exchange, queues, create }: WantedTopology,
): Promise<void> {
  const missing: string[] = []
  if (exchange !== null && !(await isThere(model, (channel) => channel.checkExchange(exchange))))
    missing.push(`the exchange ${exchange}`)
  for (const queue of queues) {
    if (await isThere(model, (channel) => channel.checkQueue(queue))) continue
    if (create === null) missing.push(`the queue ${queue}`)
    else await made(model, queue, create)
  }
  if (missing.length > 0)
    throw new FreshetError('SINK_REFUSED', `RabbitMQ does not have ${missing.join(', ')}`, {
      hint: 'Declare them, or let the relay make queues: `create_queues` in its configuration.',
    })
}

async function made(model: ChannelModel, queue: string, type: QueueType): Promise<void> {
  const channel = await opened(model)
  await channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': type } })
  await channel.close()
}

/** Asking for what is not there ends the channel, so each question has its own. */
async function isThere(model: ChannelModel, ask: (channel: Channel) => Promise<unknown>): Promise<boolean> {
  const channel = await opened(model)
  try {
    await ask(channel)
  } catch (error) {
    if (isNotFound(error)) return false
    throw error
  }
  await channel.close()
  return true
}

async function opened(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel()
  // whoever asked hears of it, too
  channel.on('error', () => undefined)
  return channel
}
