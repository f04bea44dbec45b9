-- Subqueries correlated by something else than =: running totals, ranks, the nearest.
-- query: running
select o.id, o.customer_id, (select sum(p.shipping) from orders p where p.customer_id = o.customer_id and p.id <= o.id) as so_far from orders o
-- query: places
select e.id, e.name, (select count(distinct f.salary) + 1 from employees f where f.salary > e.salary) as place from employees e
-- query: nearest
select p.id, n.id as near from products p cross join lateral (
  select q.id from products q where q.id <> p.id order by abs(q.price - p.price), q.id limit 1
) n
-- step: what many rows look at
update orders set shipping = 10 where id = 1; update employees set salary = 85 where id = 4; update products set price = 46 where id = 5;
-- step: rows come and go
delete from orders where id = 2; insert into orders values (30, 1, '2024-04-01', 'paid', 2);
delete from employees where id = 1; delete from products where id = 2;
-- step: nulls
update orders set customer_id = null where id = 1; update employees set salary = null where id = 3;
