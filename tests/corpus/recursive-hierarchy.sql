-- WITH RECURSIVE over a tree: each employee with the path from the top, and how much each boss is responsible for.
-- query: paths
with recursive chain as (
  select id, name, 1 as depth, name as path from employees where boss_id is null
  union all
  select e.id, e.name, c.depth + 1, c.path || '/' || e.name from employees e join chain c on e.boss_id = c.id
)
select id, depth, path from chain
-- query: responsible
with recursive under as (
  select id as boss, id from employees union all select u.boss, e.id from under u join employees e on e.boss_id = u.id
)
select b.name, count(*) as people, sum(e.salary) as salaries
from under u join employees b on b.id = u.boss join employees e on e.id = u.id group by b.id, b.name
-- step: a leaf, and a name in the middle of paths
insert into employees values (8, 'Gus', 4, 'sales', 70); update employees set name = 'Anne' where id = 2;
-- step: a whole branch moves
update employees set boss_id = 3 where id = 2;
-- step: the top leaves: its branches hang nowhere
delete from employees where id = 1;
-- step: two new tops
update employees set boss_id = null where id in (2, 3);
