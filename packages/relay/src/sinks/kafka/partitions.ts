import { type Admin, type ICustomPartitioner, Partitioners } from 'kafkajs'
import type { Message } from '../../message.ts'
import { ofMessage } from '../../message-template.ts'
import { RefusedMessage } from '../../refused-message.ts'

/**
 * In which partition a message goes. By its key: `java` computes what Java's client does, `legacy` what kafkajs did before its
 * version 2. Or by a template that gives the number itself; where it gives nothing, the key decides.
 */
export type PartitionerName = 'java' | 'legacy'

export function partitionerOf(name: PartitionerName): ICustomPartitioner {
  return name === 'java' ? Partitioners.DefaultPartitioner : Partitioners.LegacyPartitioner
}

export class Partitions {
  readonly #admin: Admin
  readonly #template: string | null
  readonly #counts = new Map<string, number>()

  constructor(admin: Admin, template: string | null) {
    this.#admin = admin
    this.#template = template
  }

  /** The partitions that the template names; a message of which it says nothing is not in it. */
  async of(messages: readonly Message[]): Promise<ReadonlyMap<Message, number>> {
    const named = new Map<Message, number>()
    if (this.#template === null) return named
    for (const message of messages) {
      const text = ofMessage(this.#template, message)
      if (text === '') continue
      if (!/^\d{1,9}$/.test(text))
        throw new RefusedMessage(message, `its partition ${JSON.stringify(text)} is no number`)
      const partition = Number(text)
      // a topic may have got more since it was asked
      if (partition >= (this.#counts.get(message.topic) ?? 0)) await this.#count(message.topic)
      const count = this.#counts.get(message.topic) ?? 0
      if (partition >= count)
        throw new RefusedMessage(message, `its topic has ${count} partitions, and none of the number ${partition}`)
      named.set(message, partition)
    }
    return named
  }

  async #count(topic: string): Promise<void> {
    const { topics } = await this.#admin.fetchTopicMetadata({ topics: [topic] })
    this.#counts.set(topic, topics[0]?.partitions.length ?? 0)
  }
}
