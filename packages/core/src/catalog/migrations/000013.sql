-- compatibility: breaking
-- Stream tables that are refreshed together, at one position and in one transaction. Older programs would refresh one of
-- them alone.

alter table freshet.stream_table
  -- the group that it was put into; 'diamond': with what lies between it and what its sources share; null: alone
  add column atomic text check (atomic <> ''),
  -- what follows from all of these and the graph: the smallest number among those it is refreshed with; null: alone
  add column unit int;
create index on freshet.stream_table (unit) where unit is not null;
