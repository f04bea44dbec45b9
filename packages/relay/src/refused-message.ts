import { FreshetError } from '@freshet/core'
import type { Message } from './message.ts'

/** One message that a sink will never take. It is put among the dead letters, and the others are delivered without it. */
export class RefusedMessage extends FreshetError {
  readonly refused: Message

  constructor(refused: Message, reason: string, cause?: unknown) {
    super('MESSAGE_REFUSED', `message ${refused.id} was refused: ${reason}`, { cause })
    this.refused = refused
  }
}
