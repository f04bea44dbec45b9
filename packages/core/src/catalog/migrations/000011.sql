-- compatibility: additive
-- The shadow of a stream table: what its new query says, built beside it. It is in freshet.stream_table as well, as one that
-- is being created, so what is known of those holds for it: nobody else refreshes it, its sources are kept for it, and what
-- nobody works on any more is removed.
create table freshet.shadow_build (
  shadow_id int primary key references freshet.stream_table on delete cascade,
  -- whose new query it is
  stream_table_id int not null unique references freshet.stream_table on delete cascade,
  -- replaced: it has taken the place of the other, whose storage is all that is left of this row
  phase text not null default 'capturing' check (phase in ('capturing', 'filling', 'catching up', 'swapping', 'replaced')),
  started_at timestamptz not null default clock_timestamp(),
  phase_at timestamptz not null default clock_timestamp(),
  -- refreshes since it was filled, and the change rows of the last
  rounds int not null default 0,
  change_rows bigint,
  -- somebody wants it to end
  canceled_at timestamptz
);

-- What is being built, for whom, and how far it is. Reads neither a change buffer nor a stream table.
create view freshet.shadow_build_status as
select b.stream_table_id, format('%I.%I', t.schema_name, t.table_name) as name, format('%I.%I', n.schema_name, n.table_name) as shadow,
  case when b.phase = 'replaced' then null else n.query end as query, b.phase, b.started_at, clock_timestamp() - b.started_at as age,
  b.phase_at, pg_catalog.pg_table_size(c.oid) as bytes, b.rounds, b.change_rows, b.canceled_at is not null as canceled,
  -- somebody has the claim (claim.ts): without, it was left behind, and is removed by the next upkeep or repair
  exists (
    select from pg_catalog.pg_locks l
    where l.locktype = 'advisory' and l.classid = 1179796819 and l.objsubid = 2
      and l.objid = (('x' || right(n.stable_name, 8))::bit(32) & x'7fffffff')::int::oid
      and l.database = (select oid from pg_catalog.pg_database where datname = current_database())
  ) as running
from freshet.shadow_build b
  join freshet.stream_table t using (stream_table_id)
  join freshet.stream_table n on n.stream_table_id = b.shadow_id
  left join pg_catalog.pg_class c on c.oid = n.relation;
