import type { ReplicationStream, StreamItem } from '@freshet/core'

/** The stream's items one by one. */
export class Inbox<Message> {
  readonly #stream: ReplicationStream<Message>
  #items: readonly StreamItem<Message>[] = []
  #at = 0

  constructor(stream: ReplicationStream<Message>) {
    this.#stream = stream
  }

  /** Whether `take` answers at once. */
  get ready(): boolean {
    return this.#at < this.#items.length
  }

  async take(): Promise<StreamItem<Message>> {
    for (;;) {
      const item = this.#items[this.#at]
      if (item !== undefined) {
        this.#at++
        return item
      }
      this.#items = await this.#stream.next()
      this.#at = 0
    }
  }
}
