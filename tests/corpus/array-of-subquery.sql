-- ARRAY(select …): empty where there are no rows, in the order of the subquery, its first two, its different values.
-- query
select c.id, array(select o.id from orders o where o.customer_id = c.id order by o.placed_on desc, o.id) as orders,
  array(select o.status from orders o where o.customer_id = c.id order by o.id limit 2) as first_statuses,
  array(select distinct l.product_id from orders o join order_lines l on l.order_id = o.id where o.customer_id = c.id order by 1) as products
from customers c
-- step: an array grows, one empties, one changes its order
insert into orders values (40, 1, '2024-01-10', 'open', 1); delete from orders where id = 3;
update orders set placed_on = '2024-05-01' where id = 1;
-- step: inside
update order_lines set product_id = 2 where order_id = 1; insert into order_lines values (6, 2, 4, 1, null);
