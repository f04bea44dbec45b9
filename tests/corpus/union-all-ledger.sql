-- UNION ALL: two kinds of rows in one ledger, duplicates kept.
-- query
select customer_id, amount from payments
union all
select customer_id, -shipping from orders where shipping is not null;
-- step: both sides change, one row to what the other has
update orders set shipping = -50 where id = 1;
insert into payments values (3, null, 200, null);
-- step: the same row leaves one side only
delete from payments where customer_id = 1;
