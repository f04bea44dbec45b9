-- A subquery in HAVING: groups against the whole.
-- query
select customer_id, sum(amount) as paid
from payments
group by customer_id
having sum(amount) > (select avg(amount) from payments);
-- step: the average falls, groups enter
insert into payments select 9, '2024-06-01', 1, 'cash' from generate_series(1, 5);
-- step: and rises
insert into payments values (9, '2024-06-02', 5000, 'card');
-- step: nothing left
delete from payments;
