-- FETCH FIRST … WITH TIES and OFFSET.
-- query: tied
select id, salary from employees order by salary desc nulls last fetch first 3 rows with ties;
-- query: second_page
select id, salary from employees order by salary desc nulls last, id limit 2 offset 2;
-- step: the border is tied by more
insert into employees values (8, 'Gil', 1, 'ops', 120), (9, 'Hal', 1, 'ops', 120);
-- step: the tie dissolves
update employees set salary = id where salary = 120;
-- step: the first page shrinks, the second moves
delete from employees where id in (1, 3);
-- step: nothing on the second page
delete from employees where id not in (2, 4);
