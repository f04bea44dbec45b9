/** Tables with nulls, duplicates and without a key, and one script of changes that is hard for them. */
export const SHOP = `
  create table customers (id int primary key, region text, score int);
  create table orders (id bigint primary key, customer_id int, product_id int, qty int, price numeric(12,2), note text);
  create table products (id int primary key, category text not null, price numeric);
  create table visits (customer_id int, page text);
  insert into customers select i, case when i % 4 > 0 then 'r' || i % 4 end, nullif(i % 3, 0) from generate_series(1, 12) i;
  insert into products select i, 'c' || i % 3, i / 4.0 from generate_series(1, 6) i;
  insert into orders select i, case when i % 9 > 0 then 1 + i % 14 end, 1 + i % 7, nullif(i % 6, 0), i / 8.0,
    case when i % 3 = 0 then 'n' || i % 2 end from generate_series(1, 60) i;
  insert into visits select nullif(i % 5, 0), nullif('p' || i % 3, 'p2') from generate_series(1, 25) i;`

export const CHANGES = [
  `insert into orders values (101, 1, 1, 5, 9.5, 'n1'), (102, 99, 3, null, null, null), (103, null, null, 2, 2, 'new');
   insert into visits values (1, 'p1'), (1, 'p1'), (null, null)`,
  `update orders set qty = qty + 1 where id % 5 = 0; update customers set region = 'r9' where id in (2, 3);
   update visits set page = 'p7' where customer_id = 2`,
  `delete from orders where id % 7 = 0; delete from customers where id = 4; delete from visits where page is null`,
  `update orders set customer_id = null where customer_id = 5; update customers set region = null, score = null where id = 6;
   update customers set id = 99 where id = 7; update products set category = 'c0' where id = 2`,
  `update orders set id = -id where id < 20`,
  `insert into customers values (4, 'r1', 1), (200, null, 2); delete from products where id = 3; delete from visits where ctid in (select min(ctid) from visits group by customer_id, page)`,
  `update orders set note = note`,
  `delete from orders; delete from visits`,
  `insert into orders values (1, 1, 1, 1, 1, 'a'), (2, 1, 1, 1, 1, 'a'); insert into visits values (1, 'p1'), (1, 'p1')`,
  `update orders set qty = 2 where id = 1; update orders set qty = 1 where id = 1; delete from orders where id = 2; insert into orders values (2, 1, 1, 1, 1, 'a')`,
]
