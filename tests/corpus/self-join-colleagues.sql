-- A self-join on a column with nulls: a change is on both sides.
-- query
select a.name as one, b.name as other
from employees a
join employees b on a.department = b.department and a.id < b.id;
-- step: somebody moves, somebody without a department gets one
update employees set department = 'tech' where id = 4;
update employees set department = 'tech' where id = 7;
-- step: a department closes
update employees set department = null where department = 'tech';
-- step: and two join an empty one in one statement
insert into employees values (8, 'Gil', 1, 'ops', 10), (9, 'Hal', 1, 'ops', 20);
