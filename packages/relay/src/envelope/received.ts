import type { ChangeEvent, MessageEvent, Origin } from '../event.ts'
import type { Message } from '../message.ts'

/** An event as it was read out of a message. Null: the format does not hold it. */
export type ReceivedEvent = Received<MessageEvent> | Received<ChangeEvent>

type Received<Event> = Omit<Event, 'origin' | 'at'> & { readonly origin: Origin | null; readonly at: string | null }

/** What is beside the value: formats that do not hold these leave them to the sink. */
export function beside({ topic, key, headers, value }: Message): Pick<Message, 'topic' | 'key' | 'headers'> {
  // the relay says of each value what it is
  const { 'content-type': _contentType, ...own } = headers
  return { topic, key, headers: value === null ? headers : own }
}
