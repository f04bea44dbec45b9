-- A window over aggregates: the place of each region.
-- query
select region, count(*) as customers, dense_rank() over (order by count(*) desc) as place,
  count(*) * 100 / sum(count(*)) over () as percent
from customers
group by region;
-- step: places change
insert into customers values (7, 'Gus', 'south', 1), (8, 'Hana', 'south', 1);
-- step: a region goes and the percents of all others change
delete from customers where region = 'east';
-- step: all are tied
delete from customers where id in (2, 7, 8);
update customers set region = 'west' where id = 4;
