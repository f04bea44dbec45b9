import { type Fragment, identifier, type Queryable, raw, sql } from '@freshet/core'

/**
 * The triggers of an immediate stream table on a source, and on each of its partitions and children: a statement fires
 * those of the table that it names and of no other, with all the rows that it touched.
 *
 * They fire in the order of their names, which begin with the stream table's number: so of two stream tables that one
 * statement changes, the older comes first, whose turn is thus always taken first, and which the younger may read.
 *
 * An UPDATE needs no trigger as long as no column is read. For every event there is a BEFORE and an AFTER, or neither:
 * what is opened has to be closed.
 */
const TRANSITIONS = {
  insert: 'referencing new table as __new',
  update: 'referencing old table as __old new table as __new',
  delete: 'referencing old table as __old',
  truncate: '',
} as const

export interface Member {
  readonly oid: number
  readonly schema: string
  readonly table: string
}

/** The table itself, then its partitions and children at every depth. */
export async function membersOf(queryable: Queryable, relation: number): Promise<readonly Member[]> {
  return queryable.query<Member>(sql`
    with recursive member as (
      select ${relation}::oid as oid, 0 as depth
      union
      select i.inhrelid, m.depth + 1 from pg_catalog.pg_inherits i join member m on i.inhparent = m.oid
    )
    select c.oid::int8::float8 as oid, n.nspname as schema, c.relname as table
    from (select oid, min(depth) as depth from member group by oid) m
    join pg_catalog.pg_class c on c.oid = m.oid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    order by m.depth, c.oid`)
}

function triggerPrefix(id: number): string {
  return `freshet_immediate_${String(id).padStart(10, '0')}_`
}

/** Takes SHARE ROW EXCLUSIVE, which waits for every transaction that has written to the table. */
export function createTriggers(
  id: number,
  source: { readonly columns: readonly unknown[]; readonly members: readonly Member[] },
  functions: { readonly enter: Fragment; readonly note: Fragment },
): readonly Fragment[] {
  const events = Object.entries(TRANSITIONS).filter(([event]) => event !== 'update' || source.columns.length > 0)
  const name = (what: string) => identifier(`${triggerPrefix(id)}${what}`)
  return source.members.flatMap((member) => {
    const on = sql`on ${identifier(member.schema, member.table)}`
    return [
      sql`create or replace trigger ${name('enter')} before ${raw(events.map(([event]) => event).join(' or '))} ${on}
        for each statement execute function ${functions.enter}()`,
      ...events.map(
        ([
          event,
          transition,
        ]) => sql`create or replace trigger ${name(event)} after ${raw(event)} ${on} ${raw(transition)}
          for each statement execute function ${functions.note}()`,
      ),
    ]
  })
}
