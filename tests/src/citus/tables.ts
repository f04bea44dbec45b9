/** Sources of every placement: two that are distributed beside each other, one on every node, one on the coordinator. */
export const TABLES = [
  'create table customers (id int primary key, region int not null)',
  'create table orders (id bigint, customer int, product int, amount numeric, primary key (customer, id))',
  'create table products (id int primary key, name text not null)',
  'create table regions (id int primary key, name text not null)',
  `select create_distributed_table('customers', 'id')`,
  `select create_distributed_table('orders', 'customer', colocate_with => 'customers')`,
  `select create_reference_table('products')`,
  `insert into customers select i, i % 5 from generate_series(1, 40) i`,
  `insert into products select i, 'p' || i from generate_series(1, 10) i`,
  `insert into regions select i, 'r' || i from generate_series(0, 4) i`,
  'insert into orders select i, 1 + i % 40, 1 + i % 10, i % 10 from generate_series(1, 400) i',
]
