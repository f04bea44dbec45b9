-- The last two orders of each customer, and customers without any.
-- query: latest
select c.id, c.name, o.id as order_id, o.placed_on
from customers c left join lateral (
  select id, placed_on from orders where customer_id = c.id order by placed_on desc, id limit 2
) o on true
-- query: asof
select p.customer_id, p.paid_on, o.id as order_id
from payments p left join lateral (
  select id from orders where customer_id = p.customer_id and placed_on <= p.paid_on order by placed_on desc, id limit 1
) o on true
-- step: a third order moves one out, another customer gets the first
insert into orders values (20, 1, '2024-02-01', 'paid', null), (21, 4, '2024-01-01', 'open', 1);
-- step: the latest leaves, an order changes hands
delete from orders where id = 20; update orders set customer_id = 5 where id = 3;
-- step: customers and payments come and go
delete from customers where id = 1; insert into customers values (9, 'Ivy', 'west', 1); insert into orders values (22, 9, '2024-01-01', 'paid', 0);
update payments set paid_on = '2024-01-21' where customer_id = 1; insert into payments values (3, '2024-03-01', 1, null);
