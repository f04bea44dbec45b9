-- Values out of JSON, and a column of a type without equality.
-- query
select user_id, payload, payload ->> 'page' as page, (payload ->> 'ms')::int as ms
from events
where payload ->> 'page' is not null;
-- step: equal documents written differently
insert into events values (1, 'view', null, null, '{"page": "a", "ms": 12}');
-- step: one of equal rows goes
delete from events where ctid = (select min(ctid) from events where payload::text = '{"page":"a","ms":12}');
-- step: documents change
update events set payload = '{"page":"c"}' where payload is not null;
