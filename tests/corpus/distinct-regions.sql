-- DISTINCT: a value appears with its first row and goes with its last.
-- query
select distinct region, credit is null as unlimited from customers;
-- step: one more of the same, the first of another
insert into customers values (7, 'Gus', 'north', 5), (8, 'Hana', 'west', null);
-- step: the last one goes, the last null goes
delete from customers where id in (3, 8);
update customers set region = 'east' where region is null;
-- step: a value leaves and returns in one window
delete from customers where region = 'north';
insert into customers values (9, 'Ida', 'north', 1);
