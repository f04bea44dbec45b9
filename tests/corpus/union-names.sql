-- UNION: a name is there while any side has it.
-- query
select name from customers
union
select name from employees
union
select category from products;
-- step: a name is on two sides, then on one
insert into employees values (8, 'Ada', 1, 'sales', 70);
delete from customers where name = 'Ada';
-- step: the last one goes; null goes with the category
delete from employees where name = 'Ada';
update products set category = 'office' where category is null;
-- step: and comes again from another side
insert into products values (6, 'bin', 'Ada', 3), (7, 'bag', null, 4);
