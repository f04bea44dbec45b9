-- Minimum and maximum: the extremum leaves, comes back, is tied.
-- query
select department, min(salary) as least, max(salary) as most, max(name) as last_name
from employees
group by department;
-- step: the least of a tie leaves: the other stays
delete from employees where id = 4;
-- step: now the last of them leaves
update employees set salary = 130 where id = 5;
-- step: the greatest leaves and an equal one arrives in the same window
delete from employees where id = 3;
insert into employees values (10, 'Ines', 1, 'tech', 150);
-- step: only nulls are left
update employees set salary = null where department = 'tech';
-- step: the group is gone, and one of null is born
delete from employees where department = 'tech';
insert into employees values (11, 'Jon', null, null, -5);
