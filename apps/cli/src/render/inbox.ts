import type { DeadMessage } from '@freshet/relay'
import type { Colors } from './colors.ts'
import { table } from './table.ts'

export function deadMessageList(messages: readonly DeadMessage[], paint: Colors): string {
  if (messages.length === 0) return 'No message is dead.'
  return table(
    [
      { title: 'event' },
      { title: 'topic' },
      { title: 'key' },
      { title: 'attempts', align: 'right' },
      { title: 'died' },
      { title: 'why' },
    ],
    messages.map(({ id, topic, key, attempts, diedAt, error }) => [
      id,
      topic,
      key ?? '',
      String(attempts),
      diedAt.toISOString(),
      error ?? '',
    ]),
    paint,
  )
}
