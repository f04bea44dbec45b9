-- UNION ends a recursion over a graph with cycles: every pair once, however many ways lead there.
-- setup
create table edges (src int not null, dst int not null);
insert into edges values (1, 2), (2, 3), (3, 1), (3, 4), (5, 6), (1, 2);
-- query: reachable
with recursive r as (select src, dst from edges union select r.src, e.dst from r join edges e on e.src = r.dst)
select src, dst from r
-- query: sizes
with recursive r as (select src, dst from edges union select r.src, e.dst from r join edges e on e.src = r.dst)
select src, count(*) as n from r group by src having count(*) > 1
-- step: two parts become one
insert into edges values (4, 5);
-- step: one of two equal edges leaves: nothing changes
delete from edges where ctid = (select min(ctid) from edges where src = 1);
-- step: and the other: the cycle breaks
delete from edges where src = 1;
-- step: all, and back
delete from edges; insert into edges values (7, 7);
