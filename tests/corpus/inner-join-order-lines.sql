-- Three tables joined, with all sides changing at once.
-- query
select o.id, l.line, c.name as customer, p.name as product, l.quantity * p.price as value
from orders o
join order_lines l on l.order_id = o.id
join products p on p.id = l.product_id
join customers c on c.id = o.customer_id;
-- step: every table changes in one window
insert into customers values (7, 'Gus', 'west', 1);
insert into orders values (7, 7, '2024-04-01', 'open', 1);
insert into order_lines values (7, 1, 3, 3, null), (7, 2, 4, 1, null);
update products set price = 2 where id = 3;
-- step: an order changes hands and loses a line
update orders set customer_id = 2 where id = 1;
delete from order_lines where order_id = 1 and line = 2;
-- step: a customer leaves, an order without a customer gets one
delete from customers where id = 2;
update orders set customer_id = 3 where id = 5;
