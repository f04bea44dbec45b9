-- A view that reads a view, with a self left join.
-- setup
create view staff as select id, name, boss_id, salary from employees where department is not null;
create view managers as
  select b.id, b.name, count(*) as reports, sum(s.salary) as payroll
  from staff s join staff b on b.id = s.boss_id
  group by b.id, b.name;
-- query
select s.id, s.name, m.name as boss, m.reports
from staff s left join managers m on m.id = s.boss_id;
-- step: a boss leaves
delete from employees where id = 3;
-- step: somebody becomes visible, and a boss
update employees set department = 'ops' where id = 7;
update employees set boss_id = 7 where id in (4, 5);
-- step: the root goes
delete from employees where id = 1;
