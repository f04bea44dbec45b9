-- Sums, counts and averages that add up, over a join; groups appear and empty.
-- query
select c.region, count(*) as orders, count(o.shipping) as charged, sum(o.shipping) as shipping,
  avg(o.shipping) as mean, count(*) filter (where o.status = 'paid') as paid
from orders o
join customers c on c.id = o.customer_id
group by c.region;
-- step: the first order of a region that is null
insert into orders values (7, 4, '2024-04-01', 'paid', null);
-- step: a group empties, another loses its last value that is not null
delete from orders where customer_id = 3;
update orders set shipping = null where customer_id = 6;
-- step: a customer moves with all orders
update customers set region = 'south' where id = 1;
-- step: nothing is left
delete from orders;
-- step: and it begins again
insert into orders values (8, 5, '2024-05-01', null, 3), (9, 1, '2024-05-01', 'paid', 1);
