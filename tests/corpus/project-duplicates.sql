-- A projection that leaves no key: duplicates count.
-- query
select method, amount * 2 as twice from payments;
-- step: one more of what is there twice
insert into payments values (1, '2024-01-07', 50, 'card');
-- step: some of the equal rows go
delete from payments where ctid in (select ctid from payments where amount = 50 limit 2);
-- step: a row becomes equal to another, and one of nulls only
update payments set method = 'card', amount = 50 where method = 'cash';
insert into payments values (null, null, null, null), (null, null, null, null);
-- step: all rows of nulls go
delete from payments where amount is null;
