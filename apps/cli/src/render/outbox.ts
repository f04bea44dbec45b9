import type { OutboxStatus } from '@freshet/relay'
import type { Colors } from './colors.ts'
import { table } from './table.ts'

export function outboxList(outboxes: readonly OutboxStatus[], paint: Colors): string {
  if (outboxes.length === 0) return 'There are no outboxes.'
  const rows = outboxes.flatMap(({ name, payload, rows: messages, consumers }) => {
    const box = [name, payload, String(messages)]
    if (consumers.length === 0) return [[...box, paint.dim('nobody'), '', '']]
    return consumers.map((consumer, i) => [
      ...(i === 0 ? box : ['', '', '']),
      consumer.name,
      consumer.lag === null ? paint.yellow('lost') : String(consumer.lag),
      consumer.waitingSince?.toISOString() ?? '',
    ])
  })
  return table(
    [
      { title: 'outbox' },
      { title: 'payload' },
      { title: 'messages', align: 'right' },
      { title: 'consumer' },
      { title: 'waiting', align: 'right' },
      { title: 'since' },
    ],
    rows,
    paint,
  )
}
