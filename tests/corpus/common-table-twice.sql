-- A CTE that is read twice, and one over it.
-- query
with spending as (
  select customer_id, sum(amount) as spent from payments group by customer_id
),
best as (
  select max(spent) as most from spending
)
select s.customer_id, s.spent, s.spent = b.most as is_best
from spending s cross join best b;
-- step: the best is overtaken
insert into payments values (1, '2024-06-01', 500, 'card');
-- step: two are best
update payments set amount = 600, customer_id = 7 where amount = 200;
-- step: nobody
delete from payments;
