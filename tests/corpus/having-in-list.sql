-- Aggregates compared with the rows of a subquery, and a subquery among the targets of a grouped query.
-- query
select department, max(salary) as best, (select count(*) from orders) as orders,
  (select c.name from customers c where c.id = 3) as third
from employees
group by department
having max(salary) in (select price from products) or count(*) not in (select line from order_lines);
-- step: a price meets a salary
update products set price = 120 where id = 2;
-- step: lines of every number, then none
insert into order_lines values (9, 3, 1, 1, null);
-- step: none
delete from order_lines;
delete from orders where id = 1;
