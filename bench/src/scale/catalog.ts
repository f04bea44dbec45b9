import type pg from 'pg'
import type { Bench } from '../stand.ts'

/**
 * A catalog of thousands of stream tables, in minutes rather than an hour.
 *
 * One *group*, of two sources and the stream tables over them, is made by the library. The others are copies of it by SQL:
 * every relation, function and trigger by its own definition, every row of the catalog, with the names, the stable names
 * and the oids of the copy in place of the group's. So a copy is a stream table like any: captured, refreshed, verified
 * (the suite does that with some). What is not real: all groups have the same queries, and the tables are empty at first.
 */
const GROUP_SOURCES = ['a', 'b'] as const
const VARIANTS = 4
/** But for what is generated from them. */
const SOURCE_COLUMNS = `stable_name, relation, schema_name, table_name, kind, capture, captured_columns, members, installed_at,
  paused, gate, resumed, replica_identities, placement, began, trimmed`

/** The queries of a group by the names of its stream tables: filters, groups, bags, joins, and layers over the groups. */
export function groupQueries(group: number): ReadonlyMap<string, string> {
  const name = (rest: string) => `scale_${group}_${rest}`
  const [a, b] = GROUP_SOURCES.map(name)
  return new Map(
    Array.from(
      { length: VARIANTS },
      (_, v) =>
        [
          [name(`filter${v}`), `select id, n from ${a} where n > ${v}`],
          [name(`group${v}`), `select kind, count(*) as rows, sum(n) as total from ${a} where n > ${v} group by kind`],
          [name(`bag${v}`), `select kind, n from ${b} where n > ${v}`],
          [name(`join${v}`), `select a.id, a.n, b.kind from ${a} a join ${b} b on a.id = b.id where b.n > ${v}`],
          [name(`layer${v}`), `select kind, total from ${name(`group${v}`)} where rows > ${v}`],
        ] as const,
    ).flat(),
  )
}

export const GROUP_TABLES = groupQueries(0).size

export async function fillCatalog({ freshet, say }: Bench, client: pg.Client, tables: number): Promise<void> {
  const groups = Math.ceil(tables / GROUP_TABLES)
  say(`${groups * GROUP_TABLES} stream tables over ${groups * GROUP_SOURCES.length} sources: the first ${GROUP_TABLES}`)
  for (const source of GROUP_SOURCES)
    await client.query(`create table scale_0_${source} (id int primary key, kind text not null, n int not null)`)
  for (const [name, query] of groupQueries(0)) await freshet.create({ name, query, schedule: 'live' })
  await client.query(COPY)
  for (let group = 1; group < groups; group++) {
    await client.query('select pg_temp.copy_group($1)', [group])
    if (group % 100 === 0) say(`${group * GROUP_TABLES} stream tables`)
  }
  await client.query('vacuum analyze')
}

/** `copy_group(n)`: what is called `scale_0_…` once more, as `scale_n_…`. */
const COPY = `
create function pg_temp.copy_group(number int) returns void
language plpgsql
as $copy$
declare
  -- what is to be replaced in a definition, by what; the oids come as the relations do
  old text[];
  new text[];
  oids jsonb := '{}';
  each record;
  id int;
begin
  select array_agg(stable_name), array_agg(freshet.stable_name('public', replace(table_name, 'scale_0_', 'scale_' || number || '_')))
  into old, new
  from (select stable_name, table_name from freshet.source union select stable_name, table_name from freshet.stream_table) known
  where table_name like 'scale\\_0\\_%';
  create or replace function pg_temp.renamed(text text, number int, old text[], new text[]) returns text language plpgsql as $$
  begin
    for i in 1 .. cardinality(old) loop
      text := replace(text, old[i], new[i]);
    end loop;
    return replace(text, 'scale_0_', 'scale_' || number || '_');
  end $$;

  for each in
    select c.oid, c.relkind, c.relnamespace::regnamespace as schema, c.relname, c.reloptions
    from pg_class c
    where c.relnamespace in ('public'::regnamespace, 'freshet_changes'::regnamespace) and c.relkind in ('r', 'v')
      and (c.relname like 'scale\\_0\\_%' or right(c.relname, 16) = any (old))
    order by c.oid
  loop
    if each.relkind = 'r' then
      execute format('create table %s.%I (like %s.%I including all) %s', each.schema,
        pg_temp.renamed(each.relname, number, old, new), each.schema, each.relname,
        'with (' || nullif(array_to_string(each.reloptions, ', '), '') || ')');
    else
      execute format('create view %s.%I as %s', each.schema, pg_temp.renamed(each.relname, number, old, new),
        pg_temp.renamed(pg_get_viewdef(each.oid), number, old, new));
    end if;
    oids := oids || jsonb_build_object(each.oid::text,
      format('%s.%I', each.schema, pg_temp.renamed(each.relname, number, old, new))::regclass::oid::text);
  end loop;
  for each in
    select pg_get_functiondef(p.oid) as definition from pg_proc p
    where p.pronamespace = 'freshet_changes'::regnamespace and right(p.proname, 16) = any (old) order by p.oid
  loop
    execute pg_temp.renamed(each.definition, number, old, new);
  end loop;
  for each in
    select pg_get_triggerdef(t.oid) as definition from pg_trigger t join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and (c.relname like 'scale\\_0\\_%' or right(c.relname, 16) = any (old)) order by t.oid
  loop
    execute pg_temp.renamed(each.definition, number, old, new);
  end loop;

  insert into freshet.source (${SOURCE_COLUMNS})
  select ${SOURCE_COLUMNS} from (
    select (jsonb_populate_record(s, jsonb_build_object(
      'stable_name', pg_temp.renamed(s.stable_name, number, old, new), 'relation', oids ->> s.relation::text,
      'table_name', pg_temp.renamed(s.table_name, number, old, new), 'members', array[(oids ->> s.relation::text)::oid],
      'replica_identities', s.replica_identities))).*
    from freshet.source s where s.table_name like 'scale\\_0\\_%'
  ) renewed;
  for each in select * from freshet.stream_table t where t.table_name like 'scale\\_0\\_%' order by t.stream_table_id loop
    insert into freshet.stream_table (schema_name, table_name, relation, stable_name, query, definition, mode, effective_mode,
      schedule, storage, key_columns, plan, session_settings, emits_changes)
    select each.schema_name, pg_temp.renamed(each.table_name, number, old, new), (oids ->> each.relation::text)::oid,
      pg_temp.renamed(each.stable_name, number, old, new), pg_temp.renamed(each.query, number, old, new),
      pg_temp.renamed(each.definition, number, old, new), each.mode, each.effective_mode, each.schedule, each.storage,
      each.key_columns, renamed.plan::jsonb, each.session_settings, each.emits_changes
    from (
      select pg_temp.renamed(pg_temp.renamed(each.plan::text, number, old, new), 0, array_agg('"oid": ' || key || ','),
        array_agg('"oid": ' || value || ',')) as plan
      from jsonb_each_text(oids)
    ) renamed
    returning stream_table_id into id;
    insert into freshet.stream_table_state (stream_table_id, status, frontier, refreshed_at)
    select id, status, pg_temp.renamed(frontier::text, number, old, new)::jsonb, clock_timestamp()
    from freshet.stream_table_state where stream_table_id = each.stream_table_id;
    insert into freshet.dependency
    select id, pg_temp.renamed(stable_name, number, old, new), columns
    from freshet.dependency where stream_table_id = each.stream_table_id;
    -- a column's mark is the transaction that wrote its row: of the copy, this one
    insert into freshet.reference
    select id, r.class, coalesce((oids ->> r.object::text)::oid, r.object), r.part, r.schema_name,
      pg_temp.renamed(r.name, number, old, new), r.shape, case when r.part > 0 then pg_current_xact_id()::xid::text else r.mark end,
      r.columns, r.keys,
      (
        select array_agg(i.indexrelid order by i.indexrelid) from pg_index i
        where i.indrelid = (oids ->> r.object::text)::oid and r.indexes is not null and i.indisunique
      )
    from freshet.reference r where r.stream_table_id = each.stream_table_id;
  end loop;
end
$copy$`
