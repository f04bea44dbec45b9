-- HAVING: groups cross the threshold in both directions.
-- query
select customer_id, count(*) as orders
from orders
group by customer_id
having count(*) >= 2 and max(placed_on) > date '2024-01-01';
-- step: one comes up to it, in the group of null too
insert into orders values (7, 2, '2024-03-01', 'open', null), (8, null, '2024-03-01', 'open', null);
-- step: one falls below
delete from orders where id = 1;
-- step: enough orders, but old ones
update orders set placed_on = '2020-01-01' where customer_id = 2;
