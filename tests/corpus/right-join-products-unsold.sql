-- RIGHT JOIN with a condition that is no equality only.
-- query
select l.order_id, l.line, p.id as product_id, p.name
from order_lines l
right join products p on p.id = l.product_id and l.quantity > 1;
-- step: quantities cross the border
update order_lines set quantity = 5 where order_id = 4;
update order_lines set quantity = 1 where order_id = 1;
-- step: a quantity becomes unknown
update order_lines set quantity = null where product_id = 3;
-- step: a product leaves together with its lines, another is new
delete from order_lines where product_id = 4;
delete from products where id = 4;
insert into products values (6, 'mug', 'home', 8);
