-- DISTINCT ON: the latest order of each customer.
-- query
select distinct on (customer_id) customer_id, id, placed_on, status
from orders
order by customer_id, placed_on desc, id desc;
-- step: a later order, and one on the same day
insert into orders values (7, 1, '2024-06-01', 'open', 1), (8, 2, '2024-02-01', 'open', 1);
-- step: the latest goes
delete from orders where id = 7;
-- step: of customers without a number only one is shown
update orders set customer_id = null where id in (3, 4, 8);
-- step: a customer has no orders left
delete from orders where customer_id = 1;
