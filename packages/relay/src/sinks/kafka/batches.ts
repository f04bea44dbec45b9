import type { Message } from '../../message.ts'

/** The library's work to divide a batch among partitions grows with its square. */
const MOST_MESSAGES = 1_000

/** What a record is beside its key, value and headers, generously. */
const OVERHEAD = 100

export function recordSize({ id, key, headers, value }: Message): number {
  let size = OVERHEAD + id.length + Buffer.byteLength(key ?? '') + (value?.byteLength ?? 0)
  for (const [name, text] of Object.entries(headers)) size += Buffer.byteLength(name) + Buffer.byteLength(text) + 8
  return size
}

/**
 * In their order, in batches of which no topic refuses one for its size, even if all of its messages go to one partition. A
 * message that is too large by itself makes a batch of its own.
 */
export function* batches(
  messages: readonly Message[],
  limitOf: (topic: string) => number,
): Generator<readonly Message[], void, void> {
  let batch: Message[] = []
  const sizes = new Map<string, number>()
  for (const message of messages) {
    const size = recordSize(message)
    const together = (sizes.get(message.topic) ?? 0) + size
    if (batch.length === MOST_MESSAGES || (batch.length > 0 && together > limitOf(message.topic))) {
      yield batch
      batch = []
      sizes.clear()
    }
    batch.push(message)
    sizes.set(message.topic, (sizes.get(message.topic) ?? 0) + size)
  }
  if (batch.length > 0) yield batch
}
