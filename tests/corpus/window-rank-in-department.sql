-- Ranks, running totals and neighbours inside a department.
-- query
select id, department, salary,
  rank() over (partition by department order by salary desc nulls last) as place,
  sum(salary) over (partition by department order by id rows between unbounded preceding and current row) as running,
  lag(name) over (partition by department order by id) as before,
  salary - avg(salary) over (partition by department) as above_mean
from employees;
-- step: a tie breaks, another is made
update employees set salary = 90 where id = 4;
update employees set salary = 150 where id = 6;
-- step: somebody changes the department: two partitions change
update employees set department = 'tech' where id = 5;
-- step: a partition empties, the one of null grows
update employees set department = null where department = 'sales';
-- step: the first of a partition leaves
delete from employees where id = 3;
