-- Scalar subqueries, uncorrelated: each row against the whole.
-- query
select id, name, salary, round(100.0 * salary / (select sum(salary) from employees), 1) as share
from employees
where salary > (select avg(salary) from employees) / 2;
-- step: the average moves and rows cross it
update employees set salary = salary * 3 where department = 'sales';
-- step: no salary is known
update employees set salary = null;
-- step: the first is
update employees set salary = 10 where id = 7;
-- step: the table is empty, then not
delete from employees;
insert into employees values (1, 'New', null, null, 1);
