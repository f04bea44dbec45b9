-- Filter and project: a condition on a column that may be null.
-- query
select id, placed_on, coalesce(shipping, 0) + 1 as fee
from orders
where status <> 'cancelled' and placed_on >= date '2024-01-10';
-- step: a row enters, one leaves, one changes inside
update orders set status = 'open' where id = 4;
update orders set status = null where id = 3;
update orders set shipping = 2 where id = 2;
-- step: a status that was unknown becomes known, and the reverse
update orders set status = case when status is null then 'paid' end where id in (2, 6);
-- step: moves across the border, and back within one window
update orders set placed_on = '2023-12-31';
update orders set placed_on = '2024-06-01' where id <= 3;
