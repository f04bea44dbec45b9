-- ROLLUP with grouping(): subtotals and a total beside groups whose key is null.
-- query
select c.region, o.status, grouping(c.region, o.status) as level, count(*) as orders, sum(o.shipping) as shipping
from orders o
join customers c on c.id = o.customer_id
group by rollup (c.region, o.status);
-- step: a group of a key that is null, to be told from the subtotal
insert into orders values (7, 4, '2024-04-01', null, 2);
-- step: a subtotal loses its last group
delete from orders where customer_id = 3;
-- step: nothing is left but the total
delete from orders;
-- step: and it begins again
insert into orders values (8, 1, '2024-04-01', 'open', 1), (9, 2, '2024-04-01', 'open', 1);
