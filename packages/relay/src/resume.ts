import { FreshetError, snapshotLeq } from '@freshet/core'
import type { Consumer } from './outbox/consumer.ts'
import { readFrom } from './outbox/position.ts'

/**
 * Where a consumer goes on, of what the sink keeps and what the database has recorded. A sink's position goes with the
 * consumer's generation: when a person has moved the consumer since, the database is right; otherwise the sink is, which
 * may be ahead of it. One that is behind was set back: what it had once confirmed may be trimmed.
 */
export function startingAt({ name, outbox, position, generation }: Consumer, kept: string | null): string {
  const [, keptGeneration, keptPosition] = FORM.exec(kept ?? '') ?? []
  if (keptGeneration !== undefined && keptPosition !== undefined) {
    if (Number(keptGeneration) === generation) {
      if (outbox === null || position === null || snapshotLeq(readFrom(position), readFrom(keptPosition)))
        return keptPosition
      throw new FreshetError('CONSUMER_LOST', `the sink is behind what ${name} has delivered to it`, {
        detail: 'It was set back to an earlier time, and the outbox may not have any more what it had taken since.',
      })
    }
    if (Number(keptGeneration) > generation)
      throw new FreshetError('CONSUMER_LOST', `the sink is ahead of what the database knows of ${name}`, {
        detail: 'The database was set back to an earlier time, or the consumer was forgotten.',
      })
  }
  if (position !== null) return position
  throw new FreshetError('CONSUMER_LOST', `it is not known where ${name} goes on`)
}

export function keptPosition({ generation }: Consumer, position: string): string {
  return `${generation} ${position}`
}

const FORM = /^(\d+) ([^]+)$/
