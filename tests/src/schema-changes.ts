import type { Statements } from './writing.ts'

/**
 * What can be done to tables, columns, partitions, views and functions, and what it is expected to mean for stream
 * tables that read them. What is not named adapts: equal to its query afterwards, in the same relation as before.
 */
export const RELATIONS = `
  create table region (id int primary key, name text not null);
  create table sales (id int primary key, region int not null, amount int not null, note text, cost int not null default 1);
  create table event (id int not null, kind int not null, weight int not null) partition by list (kind);
  create table event_1 partition of event for values in (1);
  create table event_2 partition of event for values in (2);
  create view priced as select id, region, cost * 2 as price from sales;
  create function rate(n int) returns int language sql immutable as 'select $1 * 2';
  insert into region values (1, 'north'), (2, 'south'), (3, 'west');
  insert into sales select i, 1 + i % 3, i % 40, 'old', i % 5 from generate_series(1, 200) as i;
  insert into event select i, 1 + i % 2, i % 9 from generate_series(1, 100) as i`

export interface Stream {
  readonly query: string
  readonly mode?: 'immediate'
}

export const STREAMS: Readonly<Record<string, Stream>> = {
  filtered: { query: 'select id, amount from sales where amount > 10' },
  joined: {
    query: `select r.name, count(*) as n, sum(s.amount) as total
      from sales as s join region as r on r.id = s.region group by r.name`,
  },
  layered: { query: 'select total % 2 as odd, count(*) as regions, sum(n) as n from joined group by total % 2' },
  kept: { query: 'select region, count(*) as n, sum(amount) as total from sales group by region', mode: 'immediate' },
  paired: {
    query: 'select s.id, r.name, s.amount from sales as s join region as r on r.id = s.region',
    mode: 'immediate',
  },
  viewed: { query: 'select region, sum(price) as total from priced group by region' },
  rated: { query: 'select id, rate(cost) as rated from sales where rate(cost) > 2' },
  events: { query: 'select kind, count(*) as n, sum(weight) as weight from event group by kind' },
  eventful: { query: 'select kind, count(*) as n, sum(weight) as weight from event group by kind', mode: 'immediate' },
}

export interface Case extends Statements {
  readonly name: string
  readonly ddl: string
  /** The queries as they are to be written afterwards. */
  readonly now?: ((query: string) => string) | undefined
  /** The stream tables that can not go on, with what their refresh says. */
  readonly refuses?: Readonly<Record<string, { readonly code: string; readonly message?: unknown }>>
  /** Those that get another relation. */
  readonly rebuilds?: readonly string[]
  /** The stream tables' own names afterwards. */
  readonly renamed?: Readonly<Record<string, string>>
  /** Stream tables that are created with the change, over the same sources. */
  readonly creates?: Readonly<Record<string, Stream>>
  /** What makes it good again; then they are resumed. */
  readonly mend?: string
}

const insert =
  (columns: string, values = '5', table = 'sales') =>
  (id: number) =>
    `insert into ${table} (id, region, ${columns}) values (${id}, ${1 + (id % 3)}, ${values})`

const changed = { code: 'SOURCE_CHANGED' }
const dropped = { code: 'SOURCE_DROPPED' }
const READ_AMOUNT = ['filtered', 'joined', 'kept', 'paired']
const all = (names: readonly string[], refusal: { readonly code: string }) =>
  Object.fromEntries(names.map((name) => [name, refusal]))

const COLUMNS: readonly Case[] = [
  {
    name: 'a column is added',
    ddl: `alter table sales add column extra int not null default 3`,
    write: insert('amount'),
  },
  { name: 'a column that nobody reads is dropped', ddl: `alter table sales drop column note`, write: insert('amount') },
  {
    name: 'a column is renamed',
    ddl: `alter table sales rename column amount to cents`,
    write: insert('cents'),
    now: (query) => query.replaceAll('amount', 'cents'),
  },
  {
    name: 'a column is renamed, and another takes its name',
    ddl: `alter table sales rename column amount to cents; alter table sales add column amount int default 7`,
    write: insert('cents'),
    now: (query) => query.replaceAll('amount', 'cents'),
  },
  {
    name: 'two columns exchange their names',
    ddl: `begin; alter table sales rename column amount to was; alter table sales rename column cost to amount;
      alter table sales rename column was to cost; commit`,
    write: insert('amount, cost', '3, 8'),
    now: (query) => query.replaceAll('amount', 'was').replaceAll('cost', 'amount').replaceAll('was', 'cost'),
  },
  {
    name: 'a column is dropped',
    ddl: `alter table sales drop column amount`,
    write: insert('cost'),
    refuses: all(READ_AMOUNT, changed),
    mend: `alter table sales add column amount int not null default 20`,
  },
  {
    name: 'a column gets a wider type',
    ddl: `alter table sales alter column amount type bigint`,
    // more than the type that it was captured with can hold
    write: insert('amount', '30000000000'),
    refuses: all(READ_AMOUNT, changed),
    mend: `alter table sales alter column amount type int using amount % 1000`,
  },
  {
    name: 'a column gets a narrower type',
    ddl: `alter table sales alter column amount type smallint`,
    refuses: all(['filtered', 'paired'], changed),
    mend: `alter table sales alter column amount type int`,
  },
  {
    name: 'the values of a column are converted',
    ddl: `alter table sales alter column amount type int using amount * 3`,
  },
  {
    name: 'a column and its default, statistics and comment',
    ddl: `alter table sales alter column amount set default 4, alter column amount set statistics 10;
      comment on column sales.amount is 'money'`,
  },
  {
    name: 'a column may be null',
    ddl: `alter table sales alter column amount drop not null`,
    write: insert('amount', 'null'),
    rebuilds: ['joined', 'kept'],
  },
  {
    name: 'the primary key goes',
    ddl: `alter table sales drop constraint sales_pkey`,
    write: (id) => `insert into sales values (7, 1, ${id % 50}, 'again', 9)`,
    rebuilds: ['filtered', 'rated', 'paired'],
  },
]

const UNLOGGED = 'a table becomes unlogged'

const TABLES: readonly Case[] = [
  {
    name: 'a table is renamed',
    ddl: `alter table sales rename to sale`,
    write: insert('amount', '5', 'sale'),
    now: (query) => query.replaceAll('sales', 'sale'),
  },
  {
    name: 'a table is moved to another schema',
    ddl: `create schema other; alter table sales set schema other`,
    write: insert('amount', '5', 'other.sales'),
    now: (query) => query.replaceAll('sales', 'other.sales'),
  },
  {
    name: 'a table and a column are renamed',
    ddl: `begin; alter table sales rename to "Sale, é"; alter table "Sale, é" rename column amount to "select"; commit`,
    write: insert('"select"', '5', '"Sale, é"'),
    now: (query) => query.replaceAll('amount', '"select"').replaceAll('sales', '"Sale, é"'),
  },
  {
    name: 'a table is renamed, and another takes its name',
    ddl: `begin; alter table sales rename to sale; create table sales (like sale including all); commit`,
    write: (id) => `${insert('amount', '5', 'sale')(id)}; ${insert('amount', '5', 'sales')(id)}`,
    now: (query) => query.replaceAll('sales', 'sale'),
  },
  {
    name: 'a table is dropped with cascade',
    ddl: `drop table sales cascade`,
    write: null,
    refuses: { ...all([...READ_AMOUNT, 'rated', 'viewed'], dropped) },
    mend: `create table sales (id int primary key, region int not null, amount int not null, note text, cost int not null default 1);
      create view priced as select id, region, cost * 2 as price from sales; insert into sales values (1, 1, 50, 'x', 3)`,
  },
  {
    name: 'a table is dropped and made again',
    ddl: `begin; drop table sales cascade;
      create table sales (id int primary key, region int not null, amount int not null, note text, cost int not null default 1);
      create view priced as select id, region, cost * 2 as price from sales; insert into sales values (1, 1, 50, 'x', 3); commit`,
  },
  {
    name: UNLOGGED,
    ddl: `alter table sales set unlogged`,
    refuses: all([...READ_AMOUNT, 'rated', 'viewed'], { code: 'NOT_CAPTURABLE' }),
    mend: `alter table sales set logged`,
  },
]

const PARTITIONS: readonly Case[] = [
  {
    name: 'a partition is added',
    ddl: `create table event_3 partition of event for values in (3); insert into event values (1, 3, 3)`,
  },
  {
    name: 'a table with rows is attached',
    ddl: `create table event_3 (like event); insert into event_3 values (1, 3, 3), (2, 3, 3); alter table event attach partition event_3 for values in (3)`,
  },
  {
    name: 'a partition is detached',
    ddl: `alter table event detach partition event_2`,
    write: (id) => `insert into event values (${id}, 1, 4)`,
  },
  {
    name: 'a partition is dropped',
    ddl: `drop table event_2`,
    write: (id) => `insert into event values (${id}, 1, 4)`,
  },
  {
    name: 'a partition is exchanged',
    ddl: `begin; alter table event detach partition event_2; create table event_2b (like event); insert into event_2b values (1, 2, 9);
      alter table event attach partition event_2b for values in (2); commit`,
  },
]

const DEFINITIONS: readonly Case[] = [
  {
    name: 'a view is replaced',
    ddl: `create or replace view priced as select id, region, cost * 3 as price from sales where cost > 1`,
  },
  {
    name: 'a view is replaced by one over another table',
    ddl: `create or replace view priced as select id, id as region, length(name) as price from region`,
    rebuilds: ['viewed'],
  },
  {
    name: 'a view is renamed',
    ddl: `alter view priced rename to prices`,
    now: (query) => query.replaceAll('priced', 'prices'),
  },
  {
    name: 'a view is dropped',
    ddl: `drop view priced`,
    refuses: { viewed: changed },
    mend: `create view priced as select id, region, cost * 5 as price from sales`,
  },
  {
    name: 'a function is replaced',
    ddl: `create or replace function rate(n int) returns int language sql immutable as 'select $1 * 5'`,
  },
  {
    name: 'a function that a function calls is replaced',
    ddl: `create function factor() returns int language sql immutable return 7;
      create or replace function rate(n int) returns int language sql immutable return n * factor();
      create or replace function factor() returns int language sql immutable return 9`,
  },
  {
    name: 'a function is dropped',
    ddl: `drop function rate`,
    refuses: { rated: changed },
    mend: `create function rate(n int) returns int language sql immutable as 'select $1 * 9'`,
  },
]

const STREAM_TABLES: readonly Case[] = [
  {
    name: 'stream tables are renamed by hand',
    // a writer may be about to write to an immediate one
    ddl: `alter table joined rename to joint; alter table filtered rename to "Sieve";
      begin; lock table sales in share mode; alter table kept rename to upheld; commit`,
    renamed: { joined: 'joint', kept: 'upheld', filtered: '"Sieve"' },
    now: (query) => query.replaceAll('joined', 'joint'),
  },
]

/** What can be done to a table that is captured by WAL besides. */
const PUBLISHED: readonly Case[] = [
  {
    name: 'the replica identity is taken away',
    ddl: `alter table sales replica identity default; alter table region replica identity using index region_pkey`,
  },
  {
    // the server refuses it, and nobody is disturbed
    name: 'a table is to become unlogged',
    ddl: `do $$ begin
      alter table sales set unlogged;
      raise exception 'it is unlogged';
    exception when object_not_in_prerequisite_state or invalid_parameter_value then null;
    end $$`,
  },
  {
    name: 'more columns are captured, for another stream table',
    ddl: `select 1`,
    creates: {
      noted: { query: 'select note, cost, count(*) as n from sales group by note, cost' },
      named: { query: 'select s.id, s.note, r.name from sales as s join region as r on r.id = s.region' },
    },
  },
]

export const TRIGGER_CASES: readonly Case[] = [...COLUMNS, ...TABLES, ...PARTITIONS, ...DEFINITIONS, ...STREAM_TABLES]

/** The server keeps a published table from becoming unlogged. */
export const WAL_CASES: readonly Case[] = [...TRIGGER_CASES.filter(({ name }) => name !== UNLOGGED), ...PUBLISHED]
