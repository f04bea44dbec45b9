-- ORDER BY … LIMIT: the first three, with a total order.
-- query
select id, name, salary from employees order by salary desc nulls last, id limit 3;
-- step: a change below the border, one that enters
update employees set salary = 85 where id = 4;
update employees set salary = 500 where id = 7;
-- step: one of the first leaves: the next one moves up
delete from employees where id = 1;
-- step: fewer than three are left
delete from employees where id > 2;
-- step: and more again
insert into employees values (20, 'Una', null, null, 1), (21, 'Vic', null, null, 1), (22, 'Wes', null, null, 1);
