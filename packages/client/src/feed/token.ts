import { FreshetError, parseSnapshot, printSnapshot } from '@freshet/core'

/**
 * A position in the feed of one stream table, as text that says nothing to others: the database, the stream table, the
 * frontier, and the subscription whose row in the catalog holds it.
 */
export interface Position {
  readonly database: string
  readonly stableName: string
  readonly id: string
  /** The frontier. */
  readonly snapshot: string
}

const FORM = /^1 ([0-9a-f]{16}) ([0-9a-f]{16}) (\d{1,19}) (\d+:\d+:[\d,]*)$/

export function printToken({ database, stableName, id, snapshot }: Position): string {
  return Buffer.from(`1 ${database} ${stableName} ${id} ${snapshot}`).toString('base64url')
}

export function parseToken(token: string): Position {
  const [, database, stableName, id, snapshot] = FORM.exec(Buffer.from(token, 'base64url').toString()) ?? []
  if (database === undefined || stableName === undefined || id === undefined || snapshot === undefined)
    throw new FreshetError('FEED_TOKEN_INVALID', 'the text is not a token of a feed')
  return { database, stableName, id, snapshot: checked(snapshot) }
}

/** A token that was meant for something else is told apart from one that is merely old. */
export function requireSameFeed(position: Position, here: Pick<Position, 'database' | 'stableName'>): void {
  if (position.database !== here.database)
    throw new FreshetError('FEED_TOKEN_INVALID', 'the token is one of another database or cluster')
  if (position.stableName !== here.stableName)
    throw new FreshetError('FEED_TOKEN_INVALID', 'the token is one of another stream table')
}

function checked(snapshot: string): string {
  try {
    return printSnapshot(parseSnapshot(snapshot))
  } catch (cause) {
    throw new FreshetError('FEED_TOKEN_INVALID', 'the text is not a token of a feed', { cause })
  }
}
