-- compatibility: breaking
-- A full refresh may bring the answer alone to the present, and leave the state behind with which deltas are computed: the
-- tables of inner stages, and hidden columns. Older programs would compute deltas with it.

alter table freshet.stream_table_state add column state_behind boolean not null default false;
