-- Scalar subqueries that are one row by LIMIT 1, or by luck: no key says so.
-- query
select c.id, (select o.status from orders o where o.customer_id = c.id order by o.id desc limit 1) as last_status,
  (select p.amount from payments p where p.customer_id = c.id and p.method = 'cash') as in_cash,
  (select e.name from employees e order by e.salary desc nulls last, e.id limit 1) as richest
from customers c
-- step: the last is another one
insert into orders values (60, 1, '2024-01-01', 'lost', null); update employees set salary = 1000 where id = 6;
update payments set method = 'cash' where customer_id = 3;
-- step: and none
delete from orders where customer_id = 1; delete from payments where customer_id = 2; delete from employees;
