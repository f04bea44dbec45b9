-- LEFT JOIN: the padded row comes and goes as the number of matches crosses zero.
-- query
select c.id, c.name, o.id as order_id, o.status
from customers c
left join orders o on o.customer_id = c.id and o.status is distinct from 'cancelled';
-- step: the first order of one who had none; the last one of another is cancelled
insert into orders values (7, 4, '2024-04-01', 'open', 1);
update orders set status = 'cancelled' where id = 3;
-- step: from one match to two, from two to none
insert into orders values (8, 4, '2024-04-02', 'open', 1);
delete from orders where customer_id = 1;
-- step: customer and order come together, another pair goes together
insert into customers values (9, 'Ida', 'west', 1);
insert into orders values (9, 9, '2024-04-03', null, 1);
delete from customers where id = 6;
delete from orders where customer_id = 6;
-- step: orders without a customer match nobody
update orders set customer_id = null;
