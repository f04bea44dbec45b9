-- compatibility: additive

-- The version that follows. Not the next number: a server that was set back to an earlier time, or a standby that had not
-- seen the last changes, would count to the same numbers again, and a process that lives on would take what it remembers
-- of a version for what is there now.
create function freshet.next_version(version bigint) returns bigint
language sql volatile
return version + 1 + floor(random() * 4294967296)::bigint;

-- Whether something that a query refers to is not as it was, asked by every refresh: one look at the catalog rows
-- themselves answers nearly always, and only what they can not tell is compared at length.
-- A column or a function is the same if nobody wrote its row. Of a table, what matters is in its row, unless it has
-- partitions or children; a view's rule is elsewhere.
create or replace function freshet.query_changed(stream_table int) returns boolean
language plpgsql stable
set search_path = pg_catalog, pg_temp
as $$
begin
  if not exists (
    select from freshet.reference r
    where r.stream_table_id = stream_table
      and case
        when r.part > 0 then not exists (
          select from pg_attribute a
          where a.attrelid = r.object and a.attnum = r.part::int2 and a.xmin::text = r.mark and not a.attisdropped)
        when r.class = 'pg_class'::regclass then not exists (
          select from pg_class c
          where c.oid = r.object and c.relname = r.name and c.relnamespace::regnamespace::text = quote_ident(r.schema_name)
            and c.relkind <> 'v' and not c.relhassubclass
            and r.shape = case when c.relkind in ('r', 'p') then concat(c.relkind, c.relpersistence, '{}') else c.relkind::text end
        ) or r.indexes <> '{}' and (
          select count(*) from pg_index i where i.indexrelid = any (r.indexes) and i.indisvalid
        ) <> cardinality(r.indexes)
        else not exists (select from pg_proc p where p.oid = r.object and p.xmin::text = r.mark)
      end
  ) then
    return false;
  end if;
  return exists (select from freshet.changed_reference c where c.stream_table_id = stream_table);
end
$$;
