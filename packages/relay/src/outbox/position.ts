import { FreshetError, parseSnapshot, printSnapshot, type Snapshot } from '@freshet/core'
import { z } from 'zod'

/**
 * How far somebody has read an outbox: everything that `from` shows, and of the window (from, window.to] the rows up to
 * `window.after`. So a window that is too large for one delivery is delivered in parts, and read in the same way again.
 */
export interface OutboxPosition {
  /** Of the database, as a word: elsewhere the position means nothing. */
  readonly database: string
  readonly stableName: string
  readonly from: Snapshot
  readonly window: { readonly to: Snapshot; readonly after: string } | null
}

const form = z.strictObject({
  outbox: z.string(),
  database: z.string(),
  from: z.string(),
  to: z.string().optional(),
  after: z
    .string()
    .regex(/^-?\d+$/)
    .optional(),
})

export function printOutboxPosition({ database, stableName, from, window }: OutboxPosition): string {
  return JSON.stringify({
    outbox: stableName,
    database,
    from: printSnapshot(from),
    ...(window === null ? {} : { to: printSnapshot(window.to), after: window.after }),
  })
}

/** Refuses a position of another outbox or database. */
export function parseOutboxPosition(
  text: string,
  here: Pick<OutboxPosition, 'database' | 'stableName'>,
): OutboxPosition {
  const { outbox, database, from, to, after } = formOf(text)
  if (database !== here.database) throw lost('it is one of another database or cluster')
  if (outbox !== here.stableName) throw lost('it is one of another outbox')
  const window = to === undefined || after === undefined ? null : { to: parseSnapshot(to), after }
  return { database, stableName: outbox, from: parseSnapshot(from), window }
}

/** Everything that it shows was read. */
export function readFrom(position: string): Snapshot {
  return parseSnapshot(formOf(position).from)
}

function formOf(position: string): z.infer<typeof form> {
  const parsed = form.safeParse(readJson(position))
  if (!parsed.success) throw lost('it is not a position of an outbox')
  return parsed.data
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw lost('it is not a position of an outbox', cause)
  }
}

function lost(detail: string, cause?: unknown): FreshetError {
  return new FreshetError('CONSUMER_LOST', 'the recorded position can not be used', { detail, cause })
}
