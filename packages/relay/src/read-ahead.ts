/**
 * Where more is waiting, the next item is asked for while the last one is worked on: two are in memory at most. Where an
 * item was the last for now, the next is asked for when it is wanted: what comes meanwhile is in it, and goes a turn
 * earlier than if the next one had been read before.
 */
export async function* readAhead<T extends { readonly more: boolean }>(
  items: AsyncIterable<T>,
): AsyncGenerator<T, void, void> {
  const iterator = items[Symbol.asyncIterator]()
  let next: Promise<Settled<IteratorResult<T, unknown>>> | null = null
  try {
    for (;;) {
      const result = await (next ?? settled(iterator.next()))
      next = null
      if (result.failed) throw result.reason
      if (result.value.done === true) return
      if (result.value.value.more) next = settled(iterator.next())
      yield result.value.value
    }
  } finally {
    // what was asked for comes first, so that nothing is left open
    await next
    await iterator.return?.()
  }
}

type Settled<T> = { readonly failed: false; readonly value: T } | { readonly failed: true; readonly reason: Error }

/** A failure is told to whoever takes the item, not to the process. */
async function settled<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { failed: false, value: await promise }
  } catch (error) {
    return { failed: true, reason: error instanceof Error ? error : new Error(String(error)) }
  }
}
