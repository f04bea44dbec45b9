-- FULL JOIN with USING: both sides may be alone; nulls match nothing.
-- query
select customer_id, o.orders, p.paid
from (select customer_id, count(*) as orders from orders group by customer_id) o
full join (select customer_id, sum(amount) as paid from payments group by customer_id) p using (customer_id);
-- step: one that was alone on the left gets a partner
insert into payments values (6, '2024-05-01', 7, 'cash');
-- step: partners part
delete from orders where customer_id = 2;
delete from payments where customer_id = 1;
-- step: both sides of null change
delete from payments where customer_id is null;
insert into orders values (7, null, '2024-05-01', null, null);
-- step: one who is on no side, then on both at once
insert into payments values (8, '2024-05-01', 7, 'cash');
insert into orders values (8, 8, '2024-05-01', null, null);
