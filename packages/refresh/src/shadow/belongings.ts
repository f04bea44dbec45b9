import { type Fragment, type Queryable, raw, sql } from '@freshet/core'

/**
 * What people have given to a stream table: indexes, constraints, grants, comments, an owner, policies, triggers,
 * statistics, publications, and the views and functions that read it. Read from the server's catalog, as the statements
 * that give the same to the table that takes its place; the server itself quotes the names.
 *
 * What must be built is given to the shadow while that is nobody's yet (`built`); the rest, which is rows of the server's
 * catalog, in the transaction that swaps (`given`). What belongs to a column goes where the column goes: an index or a
 * comment on one that is no more is dropped with it, as by ALTER TABLE.
 */
export interface Pair {
  /** The table that has them, by oid. */
  readonly from: number
  /** The one that is to have them. */
  readonly to: number
}

/** `key`: how the shadow's index or constraint is called until it takes the place of the other. */
export interface Built {
  readonly key: string
  readonly create: string
  readonly drop: string
  /** The index whose name it gets; null for a constraint without one. */
  readonly index: number | null
}

/** How deparsed names are to be read, and are written: qualified, all of them. */
export const QUALIFIED = sql`select set_config('search_path', 'pg_catalog, pg_temp', true)`

/** Before it is filled: where its rows lie, and how. */
export async function storageSettings(transaction: Queryable, { from, to }: Pair): Promise<readonly string[]> {
  return statements(
    transaction,
    sql`
    select format('alter table %s set tablespace %I', ${to}::oid::regclass, s.spcname) as statement
    from pg_class c join pg_tablespace s on s.oid = c.reltablespace where c.oid = ${from}::oid
    union all
    select format('alter table %s set unlogged', ${to}::oid::regclass) from pg_class c
    where c.oid = ${from}::oid and c.relpersistence = 'u'
    union all
    select format('alter table %s set (%I = %L)', ${to}::oid::regclass, split_part(o, '=', 1), substr(o, strpos(o, '=') + 1))
    from pg_class c, unnest(c.reloptions) o where c.oid = ${from}::oid
    union all
    select format('alter table %s alter column %I set statistics %s', ${to}::oid::regclass, a.attname, a.attstattarget)
    from pg_attribute a ${sameColumn(to)} where a.attrelid = ${from}::oid and a.attnum > 0 and a.attstattarget >= 0`,
  )
}

/** The query for indexes and constraints that are not the stream table's own: not its key, not on one of `ownIndexes`. */
export function toBuild({ from, to }: Pair, prefix: string, ownIndexes: readonly string[]): Fragment {
  return sql`
    with index as (
      select i.indexrelid, c.relname, i.indisunique, n.nspname, t.relname as table,
        substr(pg_get_indexdef(i.indexrelid),
          length(format('CREATE %sINDEX %I ON %I.%I USING ', case when i.indisunique then 'UNIQUE ' else '' end, c.relname, n.nspname, t.relname)) + 1) as method,
        exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid) as constraining
      from pg_index i join pg_class c on c.oid = i.indexrelid
        join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace
      where i.indrelid = ${from}::oid and i.indisvalid
    )
    select format('%s_i%s', ${prefix}::text, i.indexrelid) as key,
      format('create %sindex %I on %s using %s', case when i.indisunique then 'unique ' else '' end,
        format('%s_i%s', ${prefix}::text, i.indexrelid), ${to}::oid::regclass, i.method) as create,
      format('drop index freshet_changes.%I', format('%s_i%s', ${prefix}::text, i.indexrelid)) as drop,
      i.indexrelid::int8::float8 as index
    from index i
    where not i.constraining
      and i.method <> all (select format('btree (%I)', own) from unnest(${[...ownIndexes]}::text[]) own)
      and ${allColumnsStay(from, to, raw(`d.classid = 'pg_class'::regclass and d.objid = i.indexrelid`))}
    union all
    select named.key, format('alter table %s add constraint %I %s', ${to}::oid::regclass, named.key, pg_get_constraintdef(k.oid)),
      format('alter table %s drop constraint %I', ${to}::oid::regclass, named.key), nullif(named.index, 0)::int8::float8
    from pg_constraint k
      cross join lateral (
        select case when k.contype in ('u', 'x') then k.conindid else 0::oid end as index,
          case when k.contype in ('u', 'x') then format('%s_i%s', ${prefix}::text, k.conindid) else k.conname end as key
      ) named
    where k.conrelid = ${from}::oid and k.contype in ('u', 'x', 'c', 'f')
      and ${allColumnsStay(from, to, raw(`d.classid = 'pg_constraint'::regclass and d.objid = k.oid`))}
    order by 1`
}

/**
 * The query for statements to be carried out when the other has its name already. It is asked before that, while both are
 * called as they were.
 */
export function toGive({ from, to }: Pair): Fragment {
  const table = sql`(select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${from}::oid)`
  const grantee = raw(`case when g.grantee = 0 then 'public' else quote_ident(pg_get_userbyid(g.grantee)) end`)
  const option = raw(`case when g.is_grantable then ' with grant option' else '' end`)
  return sql`
    select statement from (
      -- what the server gives to new tables by itself is not what this one had
      select distinct 10 as part, 0 as sort, format('revoke all on %s from %s', ${table}, ${grantee}) as statement
      from pg_class c, aclexplode(c.relacl) g where c.oid = ${to}::oid and g.grantee <> c.relowner
      union all
      select 11, 0, format('grant %s on %s to %s%s', g.privilege_type, ${table}, ${grantee}, ${option})
      from pg_class c, aclexplode(c.relacl) g where c.oid = ${from}::oid and g.grantee <> c.relowner
      union all
      select 12, a.attnum, format('grant %s (%I) on %s to %s%s', g.privilege_type, a.attname, ${table}, ${grantee}, ${option})
      from pg_attribute a ${sameColumn(to)} cross join aclexplode(a.attacl) g where a.attrelid = ${from}::oid and a.attnum > 0
      union all
      select 20, d.objsubid, case when d.objsubid = 0 then format('comment on table %s is %L', ${table}, d.description)
          else format('comment on column %s.%I is %L', ${table}, a.attname, d.description) end
      from pg_description d
        left join (select a.attnum, a.attname from pg_attribute a ${sameColumn(to)} where a.attrelid = ${from}::oid) a on a.attnum = d.objsubid
      where d.classoid = 'pg_class'::regclass and d.objoid = ${from}::oid and (d.objsubid = 0 or a.attnum is not null)
      union all
      select 30, 0, format('alter table %s enable row level security', ${table}) from pg_class c where c.oid = ${from}::oid and c.relrowsecurity
      union all
      select 30, 1, format('alter table %s force row level security', ${table}) from pg_class c where c.oid = ${from}::oid and c.relforcerowsecurity
      union all
      select 31, 0, format('create policy %I on %s as %s for %s to %s%s%s', p.polname, ${table},
        case when p.polpermissive then 'permissive' else 'restrictive' end,
        case p.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update' when 'd' then 'delete' else 'all' end,
        (select string_agg(case when r = 0 then 'public' else quote_ident(pg_get_userbyid(r)) end, ', ') from unnest(p.polroles) r),
        ' using (' || pg_get_expr(p.polqual, p.polrelid) || ')', ' with check (' || pg_get_expr(p.polwithcheck, p.polrelid) || ')')
      from pg_policy p where p.polrelid = ${from}::oid
      union all
      select 40, 0, pg_get_triggerdef(t.oid) from pg_trigger t where t.tgrelid = ${from}::oid and not t.tgisinternal and t.tgname !~ '^freshet_'
      union all
      select 41, 0, format('alter table %s %s trigger %I', ${table},
        case t.tgenabled when 'D' then 'disable' when 'R' then 'enable replica' else 'enable always' end, t.tgname)
      from pg_trigger t where t.tgrelid = ${from}::oid and not t.tgisinternal and t.tgname !~ '^freshet_' and t.tgenabled <> 'O'
      union all
      select made.part, 0, made.statement
      from pg_statistic_ext s join pg_namespace n on n.oid = s.stxnamespace
        cross join lateral (values (50, format('drop statistics %I.%I', n.nspname, s.stxname)), (51, pg_get_statisticsobjdef(s.oid))) made (part, statement)
      where s.stxrelid = ${from}::oid
        and ${allColumnsStay(from, to, raw(`d.classid = 'pg_statistic_ext'::regclass and d.objid = s.oid`))}
      union all
      select 60, 0, format('alter publication %I drop table freshet_changes.%I', p.pubname, ${replacedName(from)}::text)
      from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = ${from}::oid
      union all
      select 61, 0, format('alter publication %I add table %s%s%s', p.pubname, ${table},
          (
            select ' (' || string_agg(quote_ident(a.attname), ', ' order by a.attnum) || ')' from pg_attribute a
            where a.attrelid = ${from}::oid and a.attnum = any (r.prattrs::int2[])
          ), ' where ' || pg_get_expr(r.prqual, r.prrelid))
      from pg_publication_rel r join pg_publication p on p.oid = r.prpubid where r.prrelid = ${from}::oid
      union all
      select distinct 70, 0, format('create or replace view %I.%I%s as %s', n.nspname, v.relname,
        ' with (' || (
          select string_agg(format('%I = %L', split_part(o, '=', 1), substr(o, strpos(o, '=') + 1)), ', ') from unnest(v.reloptions) o
        ) || ')', pg_get_viewdef(v.oid))
      from ${readingViews(from)} join pg_namespace n on n.oid = v.relnamespace
      union all
      select distinct 71, 0, pg_get_functiondef(p.oid)
      from pg_depend d join pg_proc p on d.classid = 'pg_proc'::regclass and p.oid = d.objid and p.prosqlbody is not null
      where d.refclassid = 'pg_class'::regclass and d.refobjid = ${from}::oid
    ) given order by part, sort, statement`
}

/** The query for those that come last of all: what names an index that has its name by then, and who owns it. */
export function toSettle({ from, to }: Pair, built: readonly Built[]): Fragment {
  const kept = built.flatMap(({ index }) => (index === null ? [] : [index]))
  const table = sql`(select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = ${from}::oid)`
  return sql`
    select format('comment on index %I.%I is %L', n.nspname, c.relname, d.description) as statement
    from pg_index i join pg_class c on c.oid = i.indexrelid join pg_namespace n on n.oid = c.relnamespace
      join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = c.oid
    where i.indrelid = ${from}::oid and i.indexrelid = any (${kept}::oid[])
    union all
    select case c.relreplident
      when 'i' then format('alter table %s replica identity using index %I', ${table}, i.relname)
      else format('alter table %s replica identity %s', ${table}, case c.relreplident when 'f' then 'full' else 'nothing' end) end
    from pg_class c
      left join pg_index x on x.indrelid = c.oid and x.indisreplident left join pg_class i on i.oid = x.indexrelid
    where c.oid = ${from}::oid and (c.relreplident in ('f', 'n') or c.relreplident = 'i' and x.indexrelid = any (${kept}::oid[]))
    union all
    select format('alter table %s owner to %I', ${table}, pg_get_userbyid(c.relowner))
    from pg_class c join pg_class other on other.oid = ${to}::oid where c.oid = ${from}::oid and c.relowner <> other.relowner`
}

/** The views that read a relation themselves, as `v`: readers come to them first, so they are locked first. */
export function readingViews(relation: number): Fragment {
  return sql`(
      select distinct v.* from pg_depend d join pg_rewrite r on d.classid = 'pg_rewrite'::regclass and r.oid = d.objid
        join (select oid, relname, relnamespace, relowner, reloptions::text[] as reloptions, relkind::text as relkind from pg_class) v on v.oid = r.ev_class
      where d.refclassid = 'pg_class'::regclass and d.refobjid = ${relation}::oid and v.relkind = 'v'
    ) v`
}

async function statements(transaction: Queryable, query: Fragment): Promise<readonly string[]> {
  const rows = await transaction.query<{ statement: string }>(query)
  return rows.map(({ statement }) => statement)
}

/** What the table is called, in the schema of changes, that has been replaced. */
export function replacedName(from: number): string {
  return `shadow_old_${from}`
}

/** Joins the columns `a` with those of the same name that the other has. */
function sameColumn(to: number): Fragment {
  return sql`join pg_attribute same on same.attrelid = ${to}::oid and same.attname = a.attname and same.attnum > 0 and not same.attisdropped`
}

/** `d`: what in pg_depend says on which columns something is. */
function allColumnsStay(from: number, to: number, d: Fragment): Fragment {
  return sql`not exists (
        select from pg_depend d join pg_attribute a on a.attrelid = ${from}::oid and a.attnum = d.refobjsubid and a.attnum > 0
        where ${d} and d.refclassid = 'pg_class'::regclass and d.refobjid = ${from}::oid
          and not exists (
            select from pg_attribute same
            where same.attrelid = ${to}::oid and same.attname = a.attname and same.attnum > 0 and not same.attisdropped
          )
      )`
}
