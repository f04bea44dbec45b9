-- INTERSECT and INTERSECT ALL, nulls equal each other.
-- query: once
select customer_id from orders intersect select customer_id from payments;
-- query: as_often
select customer_id from orders intersect all select customer_id from payments;
-- step: counts change without a crossing, then with one
insert into payments values (1, '2024-05-01', 1, 'cash'), (6, '2024-05-01', 1, 'cash');
-- step: one side loses its rows of null
delete from payments where customer_id is null;
-- step: both sides of a value go
delete from payments where customer_id = 1;
delete from orders where customer_id = 1;
