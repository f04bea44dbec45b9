-- ANY and ALL with other operators than equality.
-- query: above_all
select id, name from employees where salary > all (select price from products where category = 'home');
-- query: below_any
select id, name from employees e where salary < any (select i.salary from employees i where i.department = e.department);
-- step: the greatest of the list grows past some
update products set price = 100 where id = 2;
-- step: the list has a null-like gap: it empties
update products set category = 'other' where category = 'home';
-- step: the best paid of a department leaves
delete from employees where id in (2, 3);
-- step: an unknown salary becomes the greatest
update employees set salary = 999 where id = 6;
