-- A named window over aggregates, extended by another; its columns are those of the groups.
-- query
select o.customer_id, count(*) as orders,
  row_number() over w as nth, sum(count(*)) over (w rows unbounded preceding) as so_far
from orders o
join customers c on c.id = o.customer_id
group by o.customer_id
window w as (order by max(o.placed_on) desc, o.customer_id);
-- step: the latest order changes the order of all
insert into orders values (7, 3, '2024-09-01', 'open', 1);
-- step: a group goes
delete from orders where customer_id = 1;
-- step: nobody is left, then somebody
delete from orders;
-- step: one again
insert into orders values (8, 2, '2024-09-02', 'open', 1);
