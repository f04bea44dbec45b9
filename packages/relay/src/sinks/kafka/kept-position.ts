import { FreshetError } from '@freshet/core'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Admin, PartitionOffset, Transaction } from 'kafkajs'

/**
 * The position of a consumer, kept in Kafka by the transaction that delivers up to it: as metadata of offsets that a group
 * commits. The group has the consumer's name; the topic has no messages, only partitions that offsets can be of, because
 * what a broker keeps for one is short.
 *
 *   partition 0       a nonce of whoever opened last
 *   partitions 1 … n  the position in pieces, the first with their number
 *
 * A group's offsets may be shown a moment after the commit that they belong to. Whoever opens commits a nonce first and waits
 * until it is shown: what was committed before it is shown then, too.
 */
export const POSITION_PARTITIONS = 8

/** A broker keeps 4,096 bytes, unless it is told otherwise. */
const PIECE = 4_000
const SHOWN_MS = 30_000

interface KeptOffset extends PartitionOffset {
  readonly metadata: string
}

export interface PositionPlace {
  readonly group: string
  readonly topic: string
}

export async function keepPosition(transaction: Transaction, place: PositionPlace, position: string): Promise<void> {
  const pieces = piecesOf(position)
  if (pieces.length >= POSITION_PARTITIONS)
    throw new FreshetError('SINK_UNAVAILABLE', `a position of ${position.length} characters is too long for Kafka`, {
      hint: 'Too many transactions are open at once; it goes on when some of them have ended.',
    })
  await keep(
    transaction,
    place,
    pieces.map((piece, i) => ({
      partition: i + 1,
      offset: '0',
      metadata: i === 0 ? `${pieces.length} ${piece}` : piece,
    })),
  )
}

/** Puts a nonce there; `recoverPosition` waits for it. */
export async function putNonce(transaction: Transaction, place: PositionPlace): Promise<string> {
  const nonce = randomUUID()
  await keep(transaction, place, [{ partition: 0, offset: '0', metadata: nonce }])
  return nonce
}

/** After the nonce was committed: the last position, or null where there is none. */
export async function recoverPosition(
  admin: Admin,
  { group, topic }: PositionPlace,
  nonce: string,
): Promise<string | null> {
  const until = performance.now() + SHOWN_MS
  for (;;) {
    const [found] = await admin.fetchOffsets({ groupId: group, topics: [topic] })
    const shown = new Map(found?.partitions.map(({ partition, metadata }) => [partition, metadata]))
    if (shown.get(0) === nonce) return positionOf(shown)
    if (performance.now() > until)
      throw new FreshetError('SINK_UNAVAILABLE', 'Kafka does not show offsets that were committed')
    await sleep(10)
  }
}

function positionOf(shown: ReadonlyMap<number, string | null>): string | null {
  const [, count, first] = /^(\d+) ([^]*)$/.exec(shown.get(1) ?? '') ?? []
  if (count === undefined || first === undefined) return null
  const rest = Array.from({ length: Number(count) - 1 }, (_, i) => shown.get(i + 2) ?? '')
  return [first, ...rest].join('')
}

async function keep(
  transaction: Transaction,
  { group, topic }: PositionPlace,
  partitions: readonly KeptOffset[],
): Promise<void> {
  await transaction.sendOffsets({ consumerGroupId: group, topics: [{ topic, partitions: [...partitions] }] })
}

function piecesOf(text: string): readonly string[] {
  const count = Math.max(1, Math.ceil(text.length / PIECE))
  return Array.from({ length: count }, (_, i) => text.slice(i * PIECE, (i + 1) * PIECE))
}
