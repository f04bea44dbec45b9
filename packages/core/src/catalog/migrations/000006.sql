-- compatibility: additive
-- What a stream table's query refers to, as it was when the query was compiled, so that a change of it is noticed
-- that leaves no change row: a column converted, a table renamed, a view or a function replaced.

-- As in pg_depend: the catalog that the object is in, its oid there, and a column's number or 0. An oid stays when the
-- object is renamed, and tells it from another one that took its name.
create table freshet.reference (
  stream_table_id int not null references freshet.stream_table on delete cascade,
  class oid not null,
  object oid not null,
  part int not null default 0,
  schema_name text not null,
  name text not null,
  -- what freshet.relation_now, column_shape and function_shape said
  shape text not null,
  -- of a column or a function: the transaction that wrote its catalog row
  mark text,
  -- of a table or view: [[number, name], …] of all its columns, in order
  columns jsonb,
  -- of a table: its unique indexes, on which the plan may rely, and the numbers of their columns
  keys text[],
  indexes oid[],
  primary key (stream_table_id, class, object, part)
);
create index on freshet.reference (object);

-- The unique indexes of a table, each as the numbers of its columns.
create function freshet.keys_of(relation oid) returns text[]
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select coalesce(array_agg(k.columns order by k.columns), '{}') from (
    select array_to_string((i.indkey::int2[])[0:i.indnkeyatts - 1], ' ') as columns
    from pg_index i
    where i.indrelid = relation and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
  ) k
$$;

-- What of an object matters to those who read or call it, as it is now. Of a relation, beside its columns: its kind, its
-- partitions and children, a view's rule.
create view freshet.relation_now as
select c.oid, n.nspname::text as schema_name, c.relname::text as name,
  case
    when c.relkind in ('r', 'p') then concat(c.relkind, c.relpersistence, case when c.relhassubclass then array(
        with recursive part as (
          select i.inhrelid as relation from pg_catalog.pg_inherits i where i.inhparent = c.oid
          union select i.inhrelid from pg_catalog.pg_inherits i join part p on i.inhparent = p.relation
        ) select p.relation from part p order by p.relation)
      else '{}' end)
    when c.relkind = 'v' then concat('v', (
      select r.xmin from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.rulename = '_RETURN'))
    else c.relkind::text
  end as shape
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace;

create function freshet.column_shape(attribute pg_catalog.pg_attribute) returns text
language sql stable
as $$
  select pg_catalog.concat_ws(' ', attribute.atttypid, attribute.atttypmod, attribute.attcollation, attribute.attnotnull,
    attribute.attgenerated)
$$;

create function freshet.function_shape(called pg_catalog.pg_proc) returns text
language sql stable
as $$
  select pg_catalog.md5(pg_catalog.concat_ws(' ', called.pronamespace, called.proname, called.prokind, called.prolang,
    called.provolatile, called.proisstrict, called.proretset, called.prorettype, called.proargtypes, called.proconfig,
    called.probin, called.prosrc, called.prosqlbody))
$$;

-- What is not as it was, in words. A column counts as altered whenever its catalog row was written: nothing else tells
-- that its values were converted, or that it had another name for a while and was not captured.
create view freshet.changed_reference as
select r.stream_table_id, r.class, r.object, r.part, format('%I.%I', r.schema_name, r.name) as name,
  case
    when now.oid is null then 'was dropped'
    when now.schema_name <> r.schema_name or now.name <> r.name then format('is now %I.%I', now.schema_name, now.name)
    when now.shape <> r.shape then 'was replaced, or has other parts'
    else 'has lost a key'
  end as change
from freshet.reference r left join freshet.relation_now now on now.oid = r.object
where r.class = 'pg_catalog.pg_class'::regclass and r.part = 0
  and (
    now.oid is null or now.schema_name <> r.schema_name or now.name <> r.name or now.shape <> r.shape
    or r.indexes <> '{}'
      and (select count(*) from pg_catalog.pg_index i where i.indexrelid = any (r.indexes) and i.indisvalid) <> cardinality(r.indexes)
      -- an index that was made anew is another one, and the same key
      and not r.keys <@ freshet.keys_of(r.object)
  )
union all
select r.stream_table_id, r.class, r.object, r.part, format('the column %I of %I.%I', r.name, t.schema_name, t.name),
  case
    when a.attnum is null then 'was dropped'
    when a.attname <> r.name then format('is now %I', a.attname)
    when freshet.column_shape(a) <> r.shape then format('is now %s', pg_catalog.format_type(a.atttypid, a.atttypmod))
    else 'was altered'
  end
from freshet.reference r
join freshet.reference t on t.stream_table_id = r.stream_table_id and t.class = r.class and t.object = r.object and t.part = 0
join pg_catalog.pg_class c on c.oid = r.object
left join pg_catalog.pg_attribute a on a.attrelid = r.object and a.attnum = r.part::int2 and not a.attisdropped
where r.class = 'pg_catalog.pg_class'::regclass and r.part > 0 and (a.attnum is null or a.xmin::text <> r.mark)
union all
select r.stream_table_id, r.class, r.object, r.part, format('the function %I.%I', r.schema_name, r.name),
  case when p.oid is null then 'was dropped' else 'was replaced' end
from freshet.reference r
left join pg_catalog.pg_proc p on p.oid = r.object
where r.class = 'pg_catalog.pg_proc'::regclass
  and (p.oid is null or p.xmin::text <> r.mark and freshet.function_shape(p) <> r.shape);

-- Whether something is not as it was. A function, so that each session plans it once.
create function freshet.query_changed(stream_table int) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  -- as freshet.changed_reference, without its words
  return exists (
    select from freshet.reference r
    left join pg_attribute a on a.attrelid = r.object and a.attnum = r.part::int2 and not a.attisdropped
    where r.stream_table_id = stream_table and r.class = 'pg_class'::regclass and r.part > 0
      and (a.attnum is null or a.xmin::text <> r.mark)
  ) or exists (
    select from freshet.changed_reference c
    where c.stream_table_id = stream_table and c.class = 'pg_class'::regclass and c.part = 0
  ) or exists (
    select from freshet.changed_reference c where c.stream_table_id = stream_table and c.class = 'pg_proc'::regclass
  );
end
$$;

-- A table that was renamed keeps its stable name, and another may have taken its name.
alter table freshet.source drop constraint source_schema_name_table_name_key;

-- Event triggers, which `freshet init --event-triggers` puts on these functions where the role may. They see a change of
-- what a query refers to when it is made; without them it is seen by the next look. Neither waits for anybody, and only
-- what a setting says is refused.
create function freshet.note_ddl() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  touched int[];
  needed record;
begin
  with recursive command as (
    select distinct c.classid, c.objid from pg_event_trigger_ddl_commands() c where c.schema_name is distinct from 'pg_temp'
  ),
  -- a new part changes what it is a part of
  object as (
    select classid, objid from command
    union
    select o.classid, i.inhparent from object o join pg_inherits i on i.inhrelid = o.objid and o.classid = 'pg_class'::regclass
  )
  select array_agg(distinct r.stream_table_id) into touched
  from object o join freshet.reference r on r.class = o.classid and r.object = o.objid;
  if touched is null then
    return;
  end if;
  if freshet.refuses_source_ddl() then
    select c.name, c.change, t.schema_name, t.table_name into needed
    from freshet.changed_reference c join freshet.stream_table t using (stream_table_id)
    where c.stream_table_id = any (touched) and c.part > 0
      and exists (
        select from pg_attribute a join freshet.reference r on r.class = c.class and r.object = c.object and r.part = c.part
        where a.attrelid = c.object and a.attnum = c.part and r.stream_table_id = c.stream_table_id
          and split_part(r.shape, ' ', 1) <> a.atttypid::text)
    limit 1;
    if found then
      perform freshet.refuse_ddl(needed.schema_name, needed.table_name, format('%s, and it %s', needed.name, needed.change));
    end if;
  end if;
  begin
    update freshet.stream_table_state s set reinitialize = 'SOURCE_CHANGED', version = s.version + 1
    from (
      select k.stream_table_id from freshet.stream_table_state k
      where k.stream_table_id = any (touched) and k.reinitialize is null and freshet.query_changed(k.stream_table_id)
      -- a refresh may hold it, and wait for what this transaction has locked; the next one looks for itself
      for update skip locked
    ) changed
    where s.stream_table_id = changed.stream_table_id;
  exception when serialization_failure then
    -- a refresh was faster than this transaction's snapshot; the next one looks for itself
    null;
  end;
end
$$;

create function freshet.note_drop() returns event_trigger
language plpgsql security definer
set search_path = pg_catalog, pg_temp
as $$
declare
  needed record;
begin
  if not freshet.refuses_source_ddl() then
    return;
  end if;
  select t.schema_name, t.table_name, d.object_type || ' ' || d.object_identity as what into needed
  from pg_event_trigger_dropped_objects() d
  join freshet.reference r on r.class = d.classid and r.object = d.objid and r.part = d.objsubid
  join freshet.stream_table t using (stream_table_id)
  where t.relation is distinct from r.object
  order by 1, 2, 3 limit 1;
  if found then
    perform freshet.refuse_ddl(needed.schema_name, needed.table_name, needed.what);
  end if;
end
$$;

create function freshet.refuses_source_ddl() returns boolean
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select current_setting('freshet.source_ddl', true) is distinct from 'allow'
    and exists (select from freshet.setting where name = 'refuse_source_ddl' and value = 'true')
$$;

create function freshet.refuse_ddl(schema_name text, table_name text, what text) returns void
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception using
    errcode = 'FR004',
    message = format('the stream table %I.%I needs the %s', schema_name, table_name, regexp_replace(what, '^the ', '')),
    hint = format('Drop or alter the stream table first: freshet alter %I.%I --query … Or, to do it all the same: set freshet.source_ddl = allow.',
      schema_name, table_name);
end
$$;
