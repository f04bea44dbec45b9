-- Frames by range and by groups, over the whole table.
-- query
select id, placed_on,
  count(*) over (order by placed_on range between interval '20 days' preceding and current row) as lately,
  sum(shipping) over (order by placed_on groups between 1 preceding and 1 following exclude current row) as around,
  first_value(id) over (order by placed_on, id) as first_id
from orders;
-- step: a day fills up
insert into orders values (7, 1, '2024-02-01', 'open', 3), (8, 1, '2024-02-21', 'open', 3);
-- step: the first order goes
delete from orders where id = 1;
-- step: everything moves together
update orders set placed_on = '2024-02-01';
