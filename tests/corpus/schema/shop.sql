-- A small shop, awkward where real ones are: orders without a customer, customers without a region, tables without a key.
create table customers (id int primary key, name text not null, region text, credit numeric(12, 2));
create table products (id int primary key, name text not null, category text, price numeric(10, 2) not null);
create table orders (id int primary key, customer_id int, placed_on date not null, status text, shipping numeric(10, 2));
create table order_lines (
  order_id int not null,
  line int not null,
  product_id int not null,
  quantity int,
  discount numeric(4, 2),
  primary key (order_id, line)
);
create table employees (id int primary key, name text not null, boss_id int, department text, salary int);
create table payments (customer_id int, paid_on date, amount numeric(12, 2), method text);
create table events (user_id int, kind text, at timestamptz, tags text[], payload json);

insert into customers values
  (1, 'Ada', 'north', 100), (2, 'Ben', 'north', null), (3, 'Cleo', 'south', 0),
  (4, 'Dan', null, 50.50), (5, 'Eve', null, null), (6, 'Ada', 'east', 7);
insert into products values
  (1, 'lamp', 'home', 20.00), (2, 'chair', 'home', 45.50), (3, 'pen', 'office', 1.20),
  (4, 'desk', 'office', 200), (5, 'gift card', null, 25);
insert into orders values
  (1, 1, '2024-01-05', 'paid', 4.90), (2, 1, '2024-01-20', 'open', null), (3, 2, '2024-02-01', 'paid', 0),
  (4, 3, '2024-02-01', 'cancelled', 4.90), (5, null, '2024-02-10', 'paid', 9), (6, 6, '2024-03-03', null, 4.90);
insert into order_lines values
  (1, 1, 1, 2, null), (1, 2, 3, 10, 0.10), (2, 1, 2, 1, null), (3, 1, 3, 5, 0), (3, 2, 5, 1, null),
  (4, 1, 4, 1, 0.25), (5, 1, 1, 1, null), (6, 1, 2, null, null);
insert into employees values
  (1, 'Root', null, 'board', 300), (2, 'Anna', 1, 'sales', 120), (3, 'Bert', 1, 'tech', 150),
  (4, 'Cora', 2, 'sales', 80), (5, 'Dirk', 2, 'sales', 80), (6, 'Emil', 3, 'tech', null), (7, 'Fay', 3, null, 90);
insert into payments values
  (1, '2024-01-06', 50, 'card'), (1, '2024-01-06', 50, 'card'), (2, '2024-02-02', 12.50, 'cash'),
  (null, '2024-02-11', 29, 'card'), (3, null, 200, null);
insert into events values
  (1, 'view', '2024-01-01 10:00+00', '{new,mobile}', '{"page":"a","ms":12}'),
  (1, 'view', '2024-01-01 10:00+00', '{new,mobile}', '{"page":"a","ms":12}'),
  (1, 'buy', '2024-01-01 10:05+00', '{}', '{"total":40}'),
  (2, 'view', '2024-01-01 11:00+00', null, null),
  (null, 'view', '2024-01-02 09:00+00', '{mobile,NULL}', '{"page":"b"}');
