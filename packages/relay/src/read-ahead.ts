/** Asks for the next item while the last one is worked on, and for no more: two are in memory at most. */
export async function* readAhead<T>(items: AsyncIterable<T>): AsyncGenerator<T, void, void> {
  const iterator = items[Symbol.asyncIterator]()
  let next = settled(iterator.next())
  try {
    for (;;) {
      const result = await next
      if (result.failed) throw result.reason
      if (result.value.done === true) return
      next = settled(iterator.next())
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
