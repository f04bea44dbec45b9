-- A limit over constants: a stage that never changes, joined with one that does.
-- query
select o.status, w.weight
from orders o
join (select * from (values ('paid', 3), ('open', 2), ('cancelled', 1)) as v(status, weight) order by weight desc limit 2) as w
  on w.status = o.status;
-- step: statuses change
update orders set status = case status when 'paid' then 'cancelled' else 'paid' end;
-- step: a new one
insert into orders values (7, 1, '2024-09-01', 'open', 1);
