import { isClaimed, type Queryable, sql } from '@freshet/core'
import { type Definition, loadDefinition } from '../definition.ts'

/**
 * The shadow of a stream table: what its new query says, kept beside it until it takes its place. To the catalog it is a
 * stream table that is being created, of a name of its own in the schema of changes, with a row in `freshet.shadow_build`
 * that says whose it is.
 *
 * Its stable name is that of the live one but for the first bit, and a claim is on the last 31: who has claimed the one
 * has claimed the other, and a shadow that nobody has claimed was left behind.
 */
export interface ShadowName {
  readonly schema: string
  readonly table: string
  readonly stableName: string
}

export type Phase = 'capturing' | 'filling' | 'catching up' | 'swapping' | 'replaced'

export function shadowName({ stableName }: Pick<Definition, 'stableName'>): ShadowName {
  const first = (Number.parseInt(stableName.slice(0, 1), 16) ^ 8).toString(16)
  return { schema: SCHEMA, table: `shadow_${stableName}`, stableName: `${first}${stableName.slice(1)}` }
}

const SCHEMA = 'freshet_changes'

export async function recordShadow(transaction: Queryable, shadow: number, live: number): Promise<void> {
  await transaction.query(
    sql`insert into freshet.shadow_build (shadow_id, stream_table_id) values (${shadow}::int, ${live}::int)`,
  )
}

export async function enterPhase(queryable: Queryable, shadow: number, phase: Phase): Promise<void> {
  await queryable.query(sql`
    update freshet.shadow_build set phase = ${phase}, phase_at = clock_timestamp()
    where shadow_id = ${shadow} and phase <> ${phase}`)
}

export async function recordRound(queryable: Queryable, shadow: number, changeRows: number | null): Promise<void> {
  await queryable.query(sql`
    update freshet.shadow_build set rounds = rounds + 1, change_rows = ${changeRows}::bigint where shadow_id = ${shadow}`)
}

/** What is there of it: being built, or left behind. */
export async function shadowOf(queryable: Queryable, live: number): Promise<Definition | null> {
  const [found] = await queryable.query<{ id: number }>(
    sql`select shadow_id as id from freshet.shadow_build where stream_table_id = ${live}`,
  )
  return found === undefined ? null : loadDefinition(queryable, found.id)
}

/** Shadows that nobody is building any more. */
export async function abandonedShadows(queryable: Queryable): Promise<readonly Definition[]> {
  const found = await queryable.query<{ id: number }>(sql`
    select b.shadow_id as id from freshet.shadow_build b join freshet.stream_table t on t.stream_table_id = b.shadow_id
    where not ${isClaimed('t.stable_name')} order by 1`)
  return Promise.all(found.map(({ id }) => loadDefinition(queryable, id)))
}
