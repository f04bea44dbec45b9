-- EXISTS in EXISTS: products bought by customers whom nobody keeps.
-- query
select p.id, p.name from products p
where exists (
  select from order_lines l
  join orders o on o.id = l.order_id
  where l.product_id = p.id
    and not exists (select from employees e where e.id = o.customer_id and e.salary is not null)
);
-- step: a keeper leaves
delete from employees where id = 1;
-- step: all orders get a keeper
insert into employees values (10, 'Kim', null, 'care', 1);
update orders set customer_id = 10;
-- step: whose salary becomes unknown
update employees set salary = null where id = 10;
