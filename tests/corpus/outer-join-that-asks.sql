-- A subquery in the condition of an outer join: about the one side, the other, and both.
-- query: large_orders
select c.id, o.id as order_id from customers c left join orders o
  on o.customer_id = c.id and exists (select from order_lines l where l.order_id = o.id and l.quantity > 2)
-- query: last_order
select c.id, o.id as order_id from customers c left join orders o
  on o.id = (select max(p.id) from orders p where p.customer_id = c.id)
-- query: paid_later
select c.id, o.id as order_id from customers c left join orders o
  on o.customer_id = c.id and exists (select from payments p where p.customer_id = c.id and p.paid_on > o.placed_on)
-- query: either_side
select c.id, o.id as order_id from customers c full join orders o
  on o.customer_id = c.id and o.status in (select status from orders group by status having count(*) > 2)
-- step: answers change
update order_lines set quantity = 5 where order_id = 2; insert into orders values (50, 2, '2024-06-01', 'paid', null);
insert into payments values (2, '2024-07-01', 1, 'card');
-- step: and change back
delete from order_lines where quantity > 2; delete from orders where id in (5, 50); delete from payments where customer_id = 1;
