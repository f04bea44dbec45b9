-- Rows that look alike and stand in different partitions, which are not shown.
-- query
select rank() over (partition by department order by salary) as place from employees;
-- step: one partition changes
update employees set salary = 1 where id = 5;
-- step: another one grows by a row that the first has too
insert into employees values (8, 'Gil', 1, 'ops', 1);
-- step: one empties
delete from employees where department = 'sales';
