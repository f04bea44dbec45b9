-- IN and EXISTS under OR and in the target list: marks.
-- query
select o.id, o.status, o.customer_id in (select customer_id from payments) as has_paid,
  exists (select from order_lines l where l.order_id = o.id and l.discount > 0) as discounted
from orders o
where o.status = 'paid' or o.customer_id in (select id from customers where region = 'north');
-- step: marks go from unknown to true, and to false
delete from payments where customer_id is null;
insert into payments values (6, '2024-05-01', 7, 'cash');
-- step: discounts come and go
update order_lines set discount = case when coalesce(discount, 0) = 0 then 0.5 end;
-- step: rows enter by the other branch
update customers set region = 'north' where id in (3, 6);
update orders set status = 'open' where id = 1;
