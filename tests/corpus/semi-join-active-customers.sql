-- EXISTS and NOT EXISTS side by side.
-- query: active
select c.* from customers c
where exists (select 1 from orders o where o.customer_id = c.id and o.status = 'paid');
-- query: idle
select c.* from customers c
where not exists (select 1 from orders o where o.customer_id = c.id and o.status = 'paid');
-- step: a second match changes nothing, a first one does
insert into orders values (7, 1, '2024-04-01', 'paid', 1), (8, 4, '2024-04-01', 'paid', 1);
-- step: one of two matches goes, the only one goes
delete from orders where id in (1, 3);
-- step: row and match change in one window
update customers set credit = 1 where id = 4;
update orders set status = 'open' where customer_id = 4;
-- step: a match moves from one to another
update orders set customer_id = 5 where id = 7;
