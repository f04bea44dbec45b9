import { displayName, FreshetError, type Queryable, sql } from '@freshet/core'
import type { Definition } from './definition.ts'
import { measurePending } from './pending-changes.ts'

/**
 * A fuse stops what runs away: where more change rows wait than it lets through, no refresh is made that nobody asked
 * for, and the table is suspended as it was. Who resumes it lets the next refresh through, however large.
 */
export function checkFuse(rows: number): number {
  if (Number.isSafeInteger(rows) && rows > 0) return rows
  throw new FreshetError('USAGE', `a fuse of ${rows} rows is none`, {
    hint: 'Give a whole number of change rows, from 1.',
  })
}

/** Throws FUSE_BLOWN. What only a full refresh can make right is let through: how much has changed, nobody knows. */
export async function heedFuse(queryable: Queryable, definition: Definition): Promise<void> {
  const { fuse, fuseLifted, reinitialize, snapshots } = definition
  if (fuse === null || fuseLifted || reinitialize !== null || snapshots.includes(null)) return
  const { changeRows, bounded, version } = await measurePending(queryable, definition, fuse + 1)
  if (changeRows <= fuse || version !== definition.version) return
  throw new FreshetError(
    'FUSE_BLOWN',
    `${bounded ? 'at least ' : ''}${changeRows} change rows wait for ${displayName(definition)}, and its fuse lets ${fuse} through`,
  )
}

/** After a new version was made for the resumed table. */
export async function liftFuse(transaction: Queryable, id: number): Promise<void> {
  await transaction.query(
    sql`update freshet.stream_table_state set fuse_lifted = version where stream_table_id = ${id}`,
  )
}
