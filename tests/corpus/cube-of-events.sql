-- CUBE over a table without a key, with HAVING.
-- query
select user_id, kind, count(*) as n, max(at) as latest
from events
group by cube (user_id, kind)
having count(*) > 1;
-- step: one of two equal rows goes
delete from events where ctid = (select min(ctid) from events where kind = 'view' and user_id = 1);
-- step: groups cross the threshold
insert into events select 2, 'buy', '2024-01-03 00:00+00', null, null from generate_series(1, 2);
-- step: a user who is null has several
insert into events values (null, 'view', '2024-01-04 00:00+00', null, null);
