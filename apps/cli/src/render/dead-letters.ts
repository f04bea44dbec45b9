import type { DeadLetter } from '@freshet/relay'
import type { Colors } from './colors.ts'
import { table } from './table.ts'

export function deadLetterList(letters: readonly DeadLetter[], paint: Colors): string {
  if (letters.length === 0) return 'There are no dead letters.'
  return table(
    [
      { title: 'number', align: 'right' },
      { title: 'relay' },
      { title: 'topic' },
      { title: 'key' },
      { title: 'died' },
      { title: 'why' },
    ],
    letters.map(({ letter, consumer, topic, key, diedAt, error, requested }) => [
      letter,
      consumer,
      topic,
      key ?? '',
      diedAt.toISOString(),
      requested ? `${error} ${paint.dim('(to be delivered again)')}` : error,
    ]),
    paint,
  )
}
