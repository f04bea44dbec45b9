-- Ordered and distinct aggregates: affected groups are computed again.
-- query
select region, string_agg(name, ', ' order by name, id) as names, array_agg(distinct name) as different,
  count(distinct credit) as credits, percentile_disc(0.5) within group (order by credit) as median
from customers
group by region;
-- step: an equal name, a null credit
insert into customers values (7, 'Ada', 'north', null), (8, 'Zoe', 'north', 100);
-- step: the median moves, a group of null grows
update customers set credit = 60, region = null where id = 8;
-- step: a region loses all of its customers
delete from customers where region = 'north';
