-- An aggregate over a LEFT JOIN: a group with nobody in it counts zero.
-- query
select c.region, count(distinct c.id) as customers, count(o.id) as orders, coalesce(sum(o.shipping), 0) as shipping
from customers c
left join orders o on o.customer_id = c.id
group by c.region;
-- step: the group's only order goes
delete from orders where customer_id = 3;
-- step: a region with nobody who ordered
insert into customers values (7, 'Gus', 'west', 1), (8, 'Hana', 'west', 1);
-- step: then one orders twice
insert into orders values (7, 8, '2024-04-01', 'open', 1), (8, 8, '2024-04-02', 'open', null);
-- step: a region is left by everybody
update customers set region = 'north' where region is null;
