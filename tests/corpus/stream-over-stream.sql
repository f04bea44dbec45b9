-- Stream tables over a stream table: deltas travel on.
-- query: order_values
select o.id, o.customer_id, sum(l.quantity * p.price * (1 - coalesce(l.discount, 0))) as value
from orders o
join order_lines l on l.order_id = o.id
join products p on p.id = l.product_id
group by o.id;
-- query: customer_values
select customer_id, count(*) as orders, sum(value) as value from order_values group by customer_id;
-- query: silent_customers
select c.id, c.name from customers c left join customer_values v on v.customer_id = c.id where v.value is null;
-- step: one line changes the value of one order
update order_lines set quantity = 4 where order_id = 6;
-- step: an order loses all lines, another gets its first
delete from order_lines where order_id = 3;
insert into orders values (7, 4, '2024-04-01', 'open', 1);
insert into order_lines values (7, 1, 4, 1, 0.5);
-- step: prices of everything change
update products set price = price + 1;
