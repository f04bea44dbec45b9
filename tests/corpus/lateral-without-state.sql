-- Lateral subqueries that look at nothing but the row before them: columns to rows, steps of a computation.
-- query: traits
select c.id, t.trait, t.value from customers c cross join lateral (values ('name', c.name), ('region', c.region)) t(trait, value)
where t.value is not null
-- query: worth
select l.order_id, l.line, g.gross, n.net
from order_lines l
join products p on p.id = l.product_id
cross join lateral (select l.quantity * p.price as gross) g
cross join lateral (select g.gross * (1 - coalesce(l.discount, 0)) as net) n
-- step: values that change, vanish and come
update customers set region = null where id = 1; update customers set region = 'south', name = 'Eva' where id = 5;
update products set price = price * 2 where id = 3; update order_lines set discount = 0.5 where order_id = 1;
-- step: rows leave
delete from customers where id = 2; delete from order_lines where product_id = 3;
