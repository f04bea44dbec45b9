import { FreshetError, type Queryable, sql } from '@freshet/core'
import { type Definition, nameOf } from './definition.ts'
import type { Resolved } from './resolve/resolve.ts'

/** A replaced view may make a stream table read itself, through others: that has no order in which to refresh it. */
export async function refuseCycle(queryable: Queryable, definition: Definition, { facts }: Resolved): Promise<void> {
  const read = [...facts.relations.values()].filter(({ kind }) => kind === 'stream_table').map((one) => one.stableName)
  const [found] = await queryable.query<{ name: string }>(sql`
    with recursive reader (stable_name) as (
      select ${definition.stableName}::text
      union
      select t.stable_name from reader r
      join freshet.dependency d using (stable_name)
      join freshet.stream_table t using (stream_table_id)
    )
    select format('%I.%I', t.schema_name, t.table_name) as name
    from reader join freshet.stream_table t using (stable_name)
    where t.stable_name = any (${read}::text[]) order by 1 limit 1`)
  if (found === undefined) return
  throw new FreshetError('CYCLE', `${nameOf(definition)} would read itself`, {
    detail: `${nameOf(definition)} → ${found.name} → … → ${nameOf(definition)}`,
  })
}
