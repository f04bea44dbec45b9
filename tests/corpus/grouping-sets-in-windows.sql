-- Windows over grouping sets see the groups of all sets.
-- query
select region, sum(credit) as credit, grouping(region) as total,
  rank() over (partition by grouping(region) order by sum(credit) desc nulls last) as place,
  sum(credit) * 100 / nullif(max(sum(credit)) over (), 0) as percent
from customers
group by rollup (region);
-- step: places change
update customers set credit = 500 where id = 3;
-- step: a group of a key that is null grows
insert into customers values (7, 'Gus', null, 1000);
-- step: a group goes
delete from customers where region = 'north';
