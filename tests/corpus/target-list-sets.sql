-- A set-returning function in the target list: a row for each unit.
-- query
select l.order_id, l.product_id, generate_series(1, l.quantity) as unit from order_lines l where l.quantity < 6;
-- step: quantities grow and shrink
update order_lines set quantity = quantity + 1 where quantity < 3;
update order_lines set quantity = 0 where order_id = 3 and line = 2;
-- step: unknown ones, and a new line
update order_lines set quantity = null where order_id = 1;
insert into order_lines values (9, 1, 1, 3, null);
