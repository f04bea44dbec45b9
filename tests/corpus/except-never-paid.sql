-- EXCEPT and EXCEPT ALL: who ordered and did not pay.
-- query: never
select customer_id from orders except select customer_id from payments;
-- query: less_often
select customer_id from orders except all select customer_id from payments;
-- step: the first payment, and a second order of one who never paid
insert into payments values (6, '2024-05-01', 1, 'cash');
insert into orders values (7, 6, '2024-05-01', 'open', 1);
-- step: payments go: customers come back, null too
delete from payments where customer_id is null or customer_id = 3;
-- step: more payments than orders
insert into payments select 2, '2024-05-02', 1, 'cash' from generate_series(1, 3);
-- step: and more orders again
insert into orders select 20 + n, 2, '2024-05-03', 'open', 1 from generate_series(1, 5) n;
