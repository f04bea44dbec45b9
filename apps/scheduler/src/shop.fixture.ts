import { connect, type Freshet } from '@freshet/client'
import { createTestDatabase, type TestDatabase } from '@freshet/testkit'

/** A small shop with stream tables of every kind: for the tests of the scheduler and of its dashboard. */
export interface Shop {
  readonly own: TestDatabase
  readonly freshet: Freshet
  /** One transaction: so many new orders. */
  order(count?: number): Promise<void>
}

export async function openShop(): Promise<Shop> {
  const own = await createTestDatabase()
  const freshet = await connect({ databaseUrl: own.url })
  own.defer(() => freshet.close())
  const client = await own.client()
  await client.query(`
    create table customer (id int primary key, name text not null, country text not null);
    create table product (id int primary key, name text not null, price numeric(10, 2) not null);
    create table orders (
      id int generated always as identity primary key,
      customer_id int not null references customer, product_id int not null references product,
      quantity int not null, ordered_at timestamptz not null default now()
    );
    insert into customer select i, 'customer ' || i, (array['NO', 'DE', 'JP', 'BR'])[1 + i % 4] from generate_series(1, 200) i;
    insert into product select i, 'product ' || i, 5 + i from generate_series(1, 40) i;
    analyze;
  `)
  const order = async (count = 1) => {
    await client.query(
      `insert into orders (customer_id, product_id, quantity)
       select 1 + floor(random() * 200), 1 + floor(random() * 40), 1 + floor(random() * 5) from generate_series(1, $1)`,
      [count],
    )
  }
  await order(2_000)
  await freshet.create({
    name: 'order_line',
    // every change is to be counted once, and a full refresh counts none
    mode: 'differential',
    query: `select o.id, o.customer_id, c.country, p.name as product, o.quantity, o.quantity * p.price as amount
      from orders o join customer c on c.id = o.customer_id join product p on p.id = o.product_id`,
  })
  await freshet.create({
    name: 'sales_by_country',
    query: 'select country, count(*) as orders, sum(amount) as amount from order_line group by country',
  })
  await freshet.create({
    name: 'sales_by_product',
    query: 'select product, sum(quantity) as pieces, sum(amount) as amount from order_line group by product',
    schedule: '1s',
  })
  await freshet.create({
    name: 'big_spender',
    query: 'select customer_id, sum(amount) as amount from order_line group by customer_id having sum(amount) > 1500',
  })
  await freshet.create({ name: 'country', query: 'select distinct country from customer', schedule: '1m' })
  return { own, freshet, order }
}
