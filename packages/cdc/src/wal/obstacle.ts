import { FreshetError } from '@freshet/core'

/** Why a source can not be captured by WAL, and what to do. */
export interface Obstacle {
  readonly reason: string
  readonly hint: string
}

export function notAvailable(obstacle: Obstacle): FreshetError {
  return new FreshetError('WAL_NOT_AVAILABLE', `changes can not be captured by WAL: ${obstacle.reason}`, {
    hint: obstacle.hint,
  })
}
