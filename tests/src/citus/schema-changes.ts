import type { OutputKind } from '@freshet/client'

/** What can be done to the shape of a table whose shards are captured, and what it is expected to mean. */
export const RELATIONS = [
  'create table region (id int primary key, name text not null)',
  'create table customer (id int primary key, tier int not null)',
  `create table sales (id int, customer int, region int not null, amount int not null, note text, cost int not null default 1,
    primary key (customer, id))`,
  `select create_reference_table('region')`,
  `select create_distributed_table('customer', 'id')`,
  `select create_distributed_table('sales', 'customer', colocate_with => 'customer')`,
  `insert into region values (1, 'north'), (2, 'south'), (3, 'west')`,
  'insert into customer select i, i % 3 from generate_series(1, 20) i',
  `insert into sales select i, 1 + i % 20, 1 + i % 3, i % 40, 'old', i % 5 from generate_series(1, 200) as i`,
]

/** One for each place; two of them are refreshed on the workers, and one of those does not read what is changed. */
export const STREAMS: Readonly<Record<string, { readonly query: string; readonly placement: OutputKind }>> = {
  by_region: {
    query: `select r.name, count(*) as n, sum(s.amount) as total from sales as s join region as r on r.id = s.region
      group by r.name`,
    placement: 'local',
  },
  filtered: { query: 'select s.customer, s.id, s.amount from sales as s where s.amount > 10', placement: 'reference' },
  spent: {
    query: `select c.id, c.tier, count(*) as n, sum(s.amount) as total from customer as c
      join sales as s on s.customer = c.id group by c.id, c.tier`,
    placement: 'distributed',
  },
  cheap: { query: 'select s.customer, s.id, s.cost from sales as s where s.cost > 1', placement: 'distributed' },
}

/** Of those that distribute their rows as their sources do. */
export const QUEUES = 3

export interface Case {
  readonly name: string
  readonly ddl: readonly string[]
  /** In one transaction. */
  readonly together?: true
  /** A statement that fits the tables afterwards; null: none does. */
  readonly write?: ((id: number) => string) | null
  /** The queries as they are to be written afterwards. */
  readonly now?: (query: string) => string
  /** The stream tables that can not go on, with the code that their refresh says. */
  readonly refuses?: Readonly<Record<string, string>>
  /** What makes it good again; then they are resumed. */
  readonly mend?: readonly string[]
  /** How many queues there are afterwards, where not as many as before. */
  readonly queues?: number
}

export const usual = (id: number) =>
  `insert into sales values (${id}, ${1 + (id % 20)}, ${1 + (id % 3)}, ${id % 50}, 'new', ${id % 7})`

export const insert =
  (columns: string, values = '5', table = 'sales', key = 'customer') =>
  (id: number) =>
    `insert into ${table} (id, ${key}, region, ${columns}) values (${id}, ${1 + (id % 20)}, ${1 + (id % 3)}, ${values})`

const READ_AMOUNT = ['by_region', 'filtered', 'spent']
const all = (names: readonly string[], code: string) => Object.fromEntries(names.map((name) => [name, code]))
const MADE_AGAIN = [
  ...RELATIONS.slice(2, 3),
  ...RELATIONS.slice(5, 6),
  `insert into sales values (1, 1, 1, 50, 'x', 3)`,
]

export const CASES: readonly Case[] = [
  {
    name: 'a column is added',
    ddl: ['alter table sales add column extra int not null default 3'],
    write: insert('amount'),
  },
  {
    name: 'a column that nobody reads is dropped',
    ddl: ['alter table sales drop column note'],
    write: insert('amount'),
  },
  {
    name: 'a column is renamed, and another takes its name',
    ddl: ['alter table sales rename column amount to cents', 'alter table sales add column amount int default 7'],
    write: insert('cents'),
    now: (query) => query.replaceAll('amount', 'cents'),
  },
  {
    name: 'a column is dropped',
    ddl: ['alter table sales drop column amount'],
    write: insert('cost'),
    refuses: all(READ_AMOUNT, 'SOURCE_CHANGED'),
    mend: ['alter table sales add column amount int not null default 20'],
  },
  {
    name: 'a column gets a wider type',
    ddl: ['alter table sales alter column amount type bigint'],
    // more than the type that it was captured with can hold
    write: insert('amount', '30000000000'),
    refuses: all(READ_AMOUNT, 'SOURCE_CHANGED'),
    mend: ['update sales set amount = amount % 1000', 'alter table sales alter column amount type int'],
  },
  {
    name: 'the values of a column are converted',
    ddl: ['alter table sales alter column amount type int using amount * 3'],
  },
  {
    name: 'a column may be null',
    ddl: ['alter table sales alter column amount drop not null'],
    write: insert('amount', 'null'),
  },
  {
    name: 'the column that distributes it is renamed',
    ddl: ['alter table sales rename column customer to client'],
    write: insert('amount', '5', 'sales', 'client'),
    now: (query) => query.replaceAll('s.customer', 's.client'),
  },
  {
    name: 'the primary key goes',
    ddl: ['alter table sales drop constraint sales_pkey'],
    write: (id) => `insert into sales values (7, 3, 1, ${id % 50}, 'again', 9)`,
    // of rows without a key, a hash is the key, and the log is read
    queues: QUEUES - 1,
  },
  {
    name: 'the primary key is replaced',
    ddl: [
      'alter table sales drop constraint sales_pkey',
      'alter table sales add constraint sales_key primary key (id, customer)',
    ],
    together: true,
  },
  {
    name: 'the table is renamed',
    ddl: ['alter table sales rename to "Sale, é"'],
    write: insert('amount', '5', '"Sale, é"'),
    now: (query) => query.replaceAll('sales', '"Sale, é"'),
  },
  {
    name: 'the table is moved to another schema',
    ddl: ['create schema other', 'alter table sales set schema other'],
    write: insert('amount', '5', 'other.sales'),
    now: (query) => query.replaceAll('sales', 'other.sales'),
  },
  { name: 'the table is truncated', ddl: ['truncate sales'] },
  {
    name: 'a reference table gets another column, and another name',
    ddl: ['alter table region rename column name to title', 'alter table region rename to area'],
    now: (query) => query.replaceAll('r.name', 'r.title').replaceAll('region as', 'area as'),
  },
  {
    name: 'the table is dropped',
    ddl: ['drop table sales'],
    write: null,
    refuses: all(Object.keys(STREAMS), 'SOURCE_DROPPED'),
    mend: MADE_AGAIN,
  },
  { name: 'the table is dropped and made again', ddl: ['drop table sales', ...MADE_AGAIN], together: true },
]
