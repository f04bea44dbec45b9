import { type Fragment, join, raw, sql } from '../sql.ts'

/** A condition: Citus has placed all of these relations, and beside each other. Of one: it has placed it. */
export function areColocated(relations: readonly Fragment[]): Fragment {
  return sql`(
    select count(*) = ${raw(relations.length.toString())} and count(distinct p.colocationid) = 1
    from pg_catalog.pg_dist_partition p where p.logicalrelid in (${join(relations)}))`
}
