-- Correlated scalar subqueries: an aggregate (0 for nobody), and a row by its key.
-- query
select c.id, c.name,
  (select count(*) from orders o where o.customer_id = c.id) as orders,
  (select max(p.amount) from payments p where p.customer_id = c.id and p.method = 'card') as largest,
  (select e.name from employees e where e.id = c.id) as keeper
from customers c;
-- step: from none to one, from one to none
insert into orders values (7, 5, '2024-04-01', 'open', 1);
delete from orders where id = 3;
-- step: the keeper leaves, another is renamed
delete from employees where id = 2;
update employees set name = 'Cleopatra' where id = 3;
-- step: the largest payment is taken back
delete from payments where customer_id = 1;
insert into payments values (4, null, 3, 'card'), (4, null, 4, 'cash');
