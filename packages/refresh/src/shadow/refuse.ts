import { type Fragment, FreshetError, type Queryable, sql } from '@freshet/core'
import { type Definition, nameOf } from '../definition.ts'
import type { Pair } from './belongings.ts'

/**
 * Whom a new query would leave behind. What reads a stream table follows it to other storage as long as the columns that
 * it reads are there, of the same type; else the user decides, and is told who reads what. Refused are also dependants
 * that the server offers no way to take along, and what belongs to others than this role.
 */
export async function refuseLosses(transaction: Queryable, live: Definition, pair: Pair): Promise<void> {
  const lost = await transaction.query<Loss>(lostReaders(live, pair))
  refuse(live, { lost, stuck: await transaction.query<Loss>(stuckDependants(live, pair)) })
}

/** What `lostReaders` and `stuckDependants` have found. */
export function refuse(
  live: Definition,
  { lost, stuck }: { readonly lost: readonly Loss[]; readonly stuck: readonly Loss[] },
): void {
  if (lost.length > 0) throw refusal(live, lost, 'the new query lacks columns that others read')
  if (stuck.length > 0) throw refusal(live, stuck, 'what depends on it can not be taken along')
}

export interface Loss {
  readonly name: string
  readonly what: string
}

function refusal(live: Definition, losses: readonly Loss[], why: string): FreshetError {
  return new FreshetError('HAS_DEPENDENTS', `the query of ${nameOf(live)} can not change: ${why}`, {
    detail: losses.map(({ name, what }) => `${name} ${what}`).join(', '),
    hint: 'Drop these, or alter them, or keep the columns in the query.',
  })
}

/** Those who read a column that goes away, or gets another type. */
export function lostReaders(live: Definition, { from, to }: Pair): Fragment {
  return sql`
    with lost as (
      select a.attnum, a.attname::text as name from pg_catalog.pg_attribute a
      where a.attrelid = ${from}::oid and a.attnum > 0 and not a.attisdropped and not exists (
        select from pg_catalog.pg_attribute n
        where n.attrelid = ${to}::oid and n.attname = a.attname and not n.attisdropped
          and (n.atttypid, n.atttypmod, n.attcollation) = (a.atttypid, a.atttypmod, a.attcollation)
      )
    ),
    reading as (
      select format('%I.%I', t.schema_name, t.table_name) as name, l.name as column
      from freshet.dependency d join freshet.stream_table t using (stream_table_id)
        join lost l on l.name = any (d.columns)
      where d.stable_name = ${live.stableName}
      union
      select case when v.oid is null then pg_catalog.pg_describe_object(d.classid, d.objid, 0)
        else format('%s %I.%I', case v.relkind when 'v' then 'view' when 'm' then 'materialized view' else 'rule on' end, n.nspname, v.relname) end, l.name
      from pg_catalog.pg_depend d join lost l on l.attnum = d.refobjsubid
        left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
        left join pg_catalog.pg_class v on v.oid = r.ev_class
        left join pg_catalog.pg_namespace n on n.oid = v.relnamespace
      where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = ${from}::oid
        and (d.deptype = 'n' or d.classid = 'pg_catalog.pg_publication_rel'::regclass)
        and d.classid = any (array['pg_catalog.pg_rewrite', 'pg_catalog.pg_proc', 'pg_catalog.pg_policy', 'pg_catalog.pg_trigger',
          'pg_catalog.pg_publication_rel']::regclass[]::oid[])
    )
    select name, 'reads ' || string_agg(pg_catalog.quote_ident(r.column), ' and ' order by r.column) as what
    from reading r group by name order by name`
}

/** What the server offers no way to put on another table, or only to another role. */
export function stuckDependants(live: Definition, { from }: Pair): Fragment {
  return sql`
    select format('%I.%I', t.schema_name, t.table_name) as name, 'is kept by the transactions that write to it' as what
    from freshet.dependency d join freshet.stream_table t using (stream_table_id)
    where d.stable_name = ${live.stableName} and t.mode = 'immediate'
    union all
    select pg_catalog.pg_describe_object(d.classid, d.objid, 0), 'depends on it'
    from (
      select distinct d.classid, d.objid, d.refclassid from pg_catalog.pg_depend d
      where d.deptype = 'n' and (
        d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = ${from}::oid
        or d.refclassid = 'pg_catalog.pg_type'::regclass and d.refobjid in (
          select y.oid from pg_catalog.pg_type y join pg_catalog.pg_class c on c.oid = ${from}::oid
          where y.oid = c.reltype or y.typelem = c.reltype
        )
        or d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid in (select indexrelid from pg_catalog.pg_index where indrelid = ${from}::oid)
          and d.classid = 'pg_catalog.pg_constraint'::regclass
      )
    ) d
      left join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
      left join pg_catalog.pg_class v on v.oid = r.ev_class
      left join pg_catalog.pg_proc p on d.classid = 'pg_catalog.pg_proc'::regclass and p.oid = d.objid
      left join pg_catalog.pg_policy y on d.classid = 'pg_catalog.pg_policy'::regclass and y.oid = d.objid
      left join pg_catalog.pg_trigger g on d.classid = 'pg_catalog.pg_trigger'::regclass and g.oid = d.objid
      left join pg_catalog.pg_constraint k on d.classid = 'pg_catalog.pg_constraint'::regclass and k.oid = d.objid
      left join pg_catalog.pg_index x on d.classid = 'pg_catalog.pg_class'::regclass and x.indexrelid = d.objid
    where d.refclassid = 'pg_catalog.pg_type'::regclass
      or not coalesce(v.relkind = 'v', false)
        and p.prosqlbody is null
        and not coalesce(y.polrelid = ${from}::oid, false)
        and not coalesce(g.tgrelid = ${from}::oid, false)
        and not coalesce(k.conrelid = ${from}::oid, false)
        and not coalesce(x.indrelid = ${from}::oid, false)
        and d.classid not in ('pg_catalog.pg_publication_rel'::regclass, 'pg_catalog.pg_statistic_ext'::regclass)
    union all
    select 'table ' || i.inhparent::regclass, 'has it as a part' from pg_catalog.pg_inherits i where i.inhrelid = ${from}::oid
    union all
    select format('view %I.%I', n.nspname, v.relname), 'belongs to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(v.relowner))
    from pg_catalog.pg_depend d join pg_catalog.pg_rewrite r on d.classid = 'pg_catalog.pg_rewrite'::regclass and r.oid = d.objid
      join pg_catalog.pg_class v on v.oid = r.ev_class join pg_catalog.pg_namespace n on n.oid = v.relnamespace
    where d.refclassid = 'pg_catalog.pg_class'::regclass and d.refobjid = ${from}::oid and v.relkind = 'v'
      and not pg_catalog.pg_has_role(v.relowner, 'usage')
    union
    select format('publication %I', u.pubname), 'belongs to ' || pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(u.pubowner))
    from pg_catalog.pg_publication_rel l join pg_catalog.pg_publication u on u.oid = l.prpubid
    where l.prrelid = ${from}::oid and not pg_catalog.pg_has_role(u.pubowner, 'usage')
    order by 1`
}
