-- Groups by jsonb: numbers of equal value are one group, whatever their zeros; text that looks like them is not.
-- setup
create table readings (id int primary key, tags jsonb);
insert into readings values (1, '{"v": 1.0}'), (2, '{"v": 1}'), (3, '{"v": "1.0"}'), (4, '[10.50, {"a\"1.0": 100}]'), (5, 'null'), (6, null);
-- query: groups
select tags, count(*) as n from readings group by tags
-- query: different
select distinct tags -> 'v' as v from readings
-- step: equal ones
insert into readings values (7, '{"v": 1.000}'), (8, '[10.5, {"a\"1.0": 100.00}]'), (9, '{"v": "1"}'), (10, '{"v": 1e2}'), (11, '{"v": 100.0}');
-- step: the first of its group leaves
delete from readings where id in (1, 4, 5);
-- step: others become one
update readings set tags = '{"v": 100.00}' where id in (2, 3);
