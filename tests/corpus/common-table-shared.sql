-- One aggregate read in three places, under a filter, an EXISTS and a scalar subquery: one stage.
-- query
with spent as (select customer_id, sum(amount) as total from payments group by customer_id)
select s.customer_id, s.total, (select max(total) from spent) as most
from spent s
where exists (select from spent t where t.total > s.total)
union all
select customer_id, total, null from spent where total is null;
-- step: the greatest is overtaken
insert into payments values (2, '2024-07-01', 1000, 'card');
-- step: a total becomes unknown
insert into payments values (8, null, null, 'card');
update payments set amount = null where customer_id = 3;
-- step: one is left
delete from payments where customer_id is distinct from 1;
