import {
  type Database,
  displayName,
  FreshetError,
  isClaimed,
  parseName,
  type Queryable,
  sql,
  whenUnclaimed,
} from '@freshet/core'
import type { RefreshContext } from './context.ts'
import { type Definition, loadDefinition, nameOf, type StoredPlan } from './definition.ts'
import { discard } from './drop.ts'
import { oneAtATime } from './one-at-a-time.ts'

/**
 * What a process left half done because it ended: a stream table that was not filled, a dependency that no query has,
 * a capture that nobody reads. Whoever creates, alters, drops or repairs clears it away; what somebody is working on has
 * a claim and is let be.
 */

/** Nobody may use a stream table before its creation is done. */
export async function refuseUnfinished(queryable: Queryable, definition: Definition): Promise<void> {
  if (definition.status !== 'initializing') return
  const name = nameOf(definition)
  throw (await isBeingMade(queryable, definition))
    ? new FreshetError('USAGE', `${name} is still being filled`, { hint: 'Wait until its creation is done.' })
    : new FreshetError('USAGE', `the creation of ${name} was interrupted`, {
        hint: 'Create it again, or: freshet repair, which removes what was made of it',
      })
}

export async function isBeingMade(queryable: Queryable, { id }: Pick<Definition, 'id'>): Promise<boolean> {
  const [row] = await queryable.query<{ claimed: boolean }>(sql`
    select ${isClaimed('t.stable_name')} as claimed from freshet.stream_table t where t.stream_table_id = ${id}`)
  return row?.claimed === true
}

/** Of this name, so that it can be created. */
export async function removeUnfinished(context: RefreshContext, name: string): Promise<void> {
  const parsed = parseName(name)
  const [found] = await context.database.query<{ id: number }>(sql`
    select t.stream_table_id as id from freshet.stream_table t join freshet.stream_table_state s using (stream_table_id)
    where s.status = 'initializing' and t.table_name = ${parsed.table}
      and t.schema_name = coalesce(${parsed.schema}::text, current_schema())`)
  if (found === undefined) return
  const definition = await loadDefinition(context.database, found.id)
  if ((await discardUnfinished(context, definition)).length > 0) return
  throw new FreshetError('DUPLICATE_NAME', `${nameOf(definition)} is being created by another process`, {
    hint: 'Wait until that is done.',
  })
}

/** Returns what it did. */
export async function discardUnfinished(context: RefreshContext, definition: Definition): Promise<readonly string[]> {
  const done = await whenUnclaimed(context.database, definition, async () => {
    // its maker may have got to the end of it meanwhile
    const now = await loadDefinition(context.database, definition.id)
    if (now.status === 'initializing') await discard(context, now)
  })
  return done === null ? [] : ['its creation was interrupted: what was made of it is removed']
}

/** Takes away the dependencies of an alteration that did not come to its end. Returns the sources. */
export async function dropStrayDependencies(database: Database, definition: Definition): Promise<readonly string[]> {
  // who compiles it anew has dependencies, too, that no query has yet
  return oneAtATime(database, definition, 'wait', async () => {
    const { id, plan } = await loadDefinition(database, definition.id)
    const stray = await database.query<{ name: string }>(sql`
      delete from freshet.dependency where stream_table_id = ${id} and stable_name <> all(${sourceNames(plan)}::text[])
      returning stable_name as name`)
    return stray.map(({ name }) => name)
  })
}

export async function strayDependencies(
  queryable: Queryable,
  definition: Pick<Definition, 'id' | 'plan'>,
): Promise<readonly string[]> {
  const stray = await queryable.query<{ schema: string | null; table: string | null; name: string }>(sql`
    select s.schema_name as schema, s.table_name as table, d.stable_name as name
    from freshet.dependency d left join freshet.source s using (stable_name)
    where d.stream_table_id = ${definition.id} and d.stable_name <> all(${sourceNames(definition.plan)}::text[])`)
  return stray.map(({ schema, table, name }) =>
    schema === null || table === null ? name : displayName({ schema, table }),
  )
}

function sourceNames(plan: StoredPlan): string[] {
  return plan.sources.map(({ stableName }) => stableName)
}
