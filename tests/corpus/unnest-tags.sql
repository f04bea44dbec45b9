-- unnest with ordinality in FROM, lateral: arrays that are empty or null keep their row with LEFT JOIN.
-- query: every_tag
select e.user_id, t.tag, t.at_position from events e, unnest(e.tags) with ordinality as t(tag, at_position);
-- query: kept
select e.user_id, e.kind, t.tag from events e left join unnest(e.tags) as t(tag) on true;
-- query: counted
select t.tag, count(*) as n from events e cross join lateral unnest(e.tags) as t(tag) group by t.tag;
-- step: an array fills, another empties
update events set tags = '{a,b,a}' where kind = 'buy';
update events set tags = '{}' where user_id is null;
-- step: null for all of one user
update events set tags = null where user_id = 1;
-- step: equal rows, equal tags
insert into events select 3, 'view', '2024-01-05 00:00+00', '{x,x,NULL}', null from generate_series(1, 2);
