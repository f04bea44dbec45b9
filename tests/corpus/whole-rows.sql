-- Rows as values: to_jsonb of a row, arrays of rows, and the row that an outer join did not find.
-- query: customers_with_orders
select c.id, to_jsonb(c) - 'credit' as customer, o.n, o.listed from customers c cross join lateral (
  select count(x) as n, jsonb_agg(x order by x.id) as listed from orders x where x.customer_id = c.id
) o
-- query: found
select c.id, o is null as none, count(o) over (partition by c.id) as n, o::text as shown
from customers c left join orders o on o.customer_id = c.id
-- step: columns that only the rows show
update customers set credit = 1, name = 'Adam' where id = 1; update orders set shipping = 99 where id = 1;
-- step: found, and not found any more
insert into orders values (70, 5, '2024-01-01', null, null); delete from orders where customer_id = 1;
