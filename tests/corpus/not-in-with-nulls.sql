-- NOT IN: one null in the list, and no row is certain.
-- query
select id, region from customers
where region not in (select category from products where price > 20);
-- step: the null goes: now there are answers
delete from products where category is null;
-- step: a region becomes a category
update products set category = 'north' where id = 4;
-- step: the list is empty: even a region that is null is not in it
update products set price = 1;
-- step: the null is back
insert into products values (6, 'voucher', null, 99);
