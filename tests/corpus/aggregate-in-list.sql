-- The aggregates of a query without GROUP BY stand nowhere but beside the subqueries that they are compared with.
-- query
select max(salary) not in (select shipping from orders) as unmatched, count(*) = any (select line from order_lines) as counted
from employees;
-- step: what an order costs meets the best salary
update orders set shipping = (select max(salary) from employees) where id = 2;
-- step: only an unknown cost, then none
update orders set shipping = null where id = 1;
delete from orders where id = 2;
-- step: as many lines as there are employees
insert into order_lines select 9, count(*)::int, 1, 1 from employees;
-- step: no rows to compare with
delete from order_lines;
delete from orders;
-- step: nobody left
delete from employees;
