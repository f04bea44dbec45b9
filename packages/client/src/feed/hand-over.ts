/**
 * Lets work that needs a frame around it, such as a transaction, be read page by page: it gives one page and goes on when
 * the reader asks for the next. What it returns is its last page, given when the frame is gone. When the reader leaves,
 * `give` throws `READER_LEFT`, and the frame is closed before the reader goes on.
 */
export async function* handOver<Page>(
  produce: (give: (page: Page) => Promise<void>) => Promise<Page>,
): AsyncGenerator<Page, void, void> {
  let given = rendezvous<Given<Page>>()
  let reader = rendezvous<void>()
  const ended = produce(async (page) => {
    reader = rendezvous<void>()
    given.resolve({ page, last: false })
    await reader.promise
  }).then(
    (page) => given.resolve({ page, last: true }),
    (error: unknown) => given.reject(error),
  )
  try {
    for (;;) {
      const { page, last } = await given.promise
      if (last) {
        yield page
        return
      }
      given = rendezvous<Given<Page>>()
      yield page
      reader.resolve()
    }
  } finally {
    // whoever waits for the reader is told; what it then throws is nobody's business any more
    given.promise.catch(() => undefined)
    reader.promise.catch(() => undefined)
    reader.reject(READER_LEFT)
    await ended
  }
}

const READER_LEFT = new Error('the reader has left')

interface Given<Page> {
  readonly page: Page
  readonly last: boolean
}

interface Rendezvous<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

function rendezvous<T>(): Rendezvous<T> {
  let resolve: (value: T) => void = () => undefined
  let reject: (reason: unknown) => void = () => undefined
  const promise = new Promise<T>((accept, refuse) => {
    resolve = accept
    reject = refuse
  })
  return { promise, resolve, reject }
}
