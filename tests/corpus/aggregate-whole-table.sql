-- One row for the whole table: it stays when the table is empty.
-- query
select count(*) as n, sum(amount) as total, min(paid_on) as first, bool_or(method = 'cash') as any_cash from payments;
-- step: the only cash payment leaves
delete from payments where method = 'cash';
-- step: everything leaves
delete from payments;
-- step: rows of nulls come
insert into payments values (null, null, null, null);
-- step: then values
insert into payments values (9, '2020-01-01', 0.01, 'cash'), (9, '2020-01-02', -0.01, 'cash');
