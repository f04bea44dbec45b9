import { FreshetError, type Queryable, sql, whenUnclaimed } from '@freshet/core'
import type { RefreshContext } from '../context.ts'
import { findDefinition, loadDefinition, nameOf } from '../definition.ts'
import { discard } from '../drop.ts'
import { abandonedShadows, shadowOf } from './shadow.ts'

/** Shadows that nobody goes on with: their process has ended, or somebody wants them to end. */
export interface Abandoned {
  /** The stream table whose new query it was. */
  readonly subject: string
  readonly message: string
}

/** Takes away what is left of them, by whoever looks first; what somebody is building is let be. */
export async function removeAbandonedShadows(context: RefreshContext): Promise<readonly Abandoned[]> {
  const { database } = context
  const removed: Abandoned[] = []
  for (const shadow of await abandonedShadows(database)) {
    const subject = await subjectOf(database, shadow.id)
    const done = await whenUnclaimed(database, shadow, () => discardShadow(context, shadow.id))
    if (done?.result === true)
      removed.push({ subject, message: 'its alteration was interrupted: what was made of it is removed' })
  }
  return removed
}

/** For who has the claim. False when it is gone already. */
export async function discardShadow(context: RefreshContext, shadow: number): Promise<boolean> {
  const [there] = await context.database.query(sql`select from freshet.stream_table where stream_table_id = ${shadow}`)
  if (there === undefined) return false
  await discard(context, await loadDefinition(context.database, shadow))
  return true
}

export async function abandonedBuilds(queryable: Queryable): Promise<readonly string[]> {
  const shadows = await abandonedShadows(queryable)
  return Promise.all(shadows.map(({ id }) => subjectOf(queryable, id)))
}

async function subjectOf(queryable: Queryable, shadow: number): Promise<string> {
  const [row] = await queryable.query<{ id: number }>(
    sql`select stream_table_id as id from freshet.shadow_build where shadow_id = ${shadow}`,
  )
  return row === undefined ? '' : nameOf(await loadDefinition(queryable, row.id))
}

/** Ends the building of a new query: whoever does it hears of it, wherever that is, and cleans up. */
export async function cancelAlteration(context: RefreshContext, name: string): Promise<void> {
  const { database } = context
  const live = await findDefinition(database, name)
  const shadow = await shadowOf(database, live.id)
  const [canceled] =
    shadow === null
      ? []
      : await database.query(sql`
          update freshet.shadow_build set canceled_at = coalesce(canceled_at, clock_timestamp())
          where shadow_id = ${shadow.id} and phase <> 'replaced' returning shadow_id`)
  if (shadow === null || canceled === undefined)
    throw new FreshetError('USAGE', `no new query of ${nameOf(live)} is being filled`, { hint: null })
  await whenUnclaimed(database, shadow, () => discardShadow(context, shadow.id))
}
