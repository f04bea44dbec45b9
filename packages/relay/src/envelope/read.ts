import { FreshetError } from '@freshet/core'
import type { Message } from '../message.ts'
import { decodeEnvelope } from './decode.ts'
import { readCloudEvents } from './read-cloudevents.ts'
import { readDebezium } from './read-debezium.ts'
import type { ReceivedEvent } from './received.ts'

/**
 * The other direction of the formats: the event that a message was made of.
 *
 *   decodeMessage(format, encoded(event)) = event, but for what the format does not hold (docs/07-relay.md)
 */
export type ReadableFormat = keyof typeof READERS

export function decodeMessage(format: ReadableFormat, message: Message): ReceivedEvent {
  return READERS[format](message)
}

const READERS = {
  freshet: ({ value }: Message): ReceivedEvent => {
    if (value === null) throw new FreshetError('ENVELOPE_INVALID', 'a tombstone has no envelope')
    return decodeEnvelope(value)
  },
  debezium: readDebezium,
  cloudevents: readCloudEvents,
} as const
