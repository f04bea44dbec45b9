import type { ReplicationStream, StreamItem } from '@freshet/core'

/** The stream's items one by one. */
export class Inbox<Message> {
  readonly #stream: ReplicationStream<Message>
  #items: readonly StreamItem<Message>[] = []
  #at = 0

  constructor(stream: ReplicationStream<Message>) {
    this.#stream = stream
  }

  /** Whether the next item is there. */
  get ready(): boolean {
    return this.#at < this.#items.length
  }

  /** The next item, where it is there already. */
  next(): StreamItem<Message> | undefined {
    const item = this.#items[this.#at]
    if (item !== undefined) this.#at++
    return item
  }

  /** The next item; waits for it. */
  async take(): Promise<StreamItem<Message>> {
    for (;;) {
      const item = this.next()
      if (item !== undefined) return item
      this.#items = await this.#stream.next()
      this.#at = 0
    }
  }
}
