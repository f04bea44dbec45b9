/**
 * The example queries of docs/operators, compiled from facts written by hand: the compiler asks no database, so neither
 * does the generator. `definition` is the query as PostgreSQL prints it once resolved; `types` are those of columns that
 * exist only inside the plan.
 */
import { stableName } from '../packages/core/dist/index.js'
import {
  compileQuery,
  refreshCompiler,
  explainPlan,
  explainText,
  loadParser,
  planQuery,
  relationKey,
} from '../packages/dvm/dist/index.js'

const exact = (sql) => ({
  sql,
  collation: null,
  equality: 'exact',
  canonical: '$',
  bounded: true,
  builtin: true,
  array: false,
  ordered: true,
})
const numeric = (sql) => ({ ...exact(sql), equality: 'coarse', canonical: 'trim_scale($)', bounded: sql !== 'numeric' })

const TYPES = {
  integer: exact('integer'),
  bigint: exact('bigint'),
  boolean: exact('boolean'),
  text: { ...exact('text'), bounded: false },
  numeric: numeric('numeric'),
  money: numeric('numeric(10,2)'),
}

const table = (name, columns, kind = 'table', definition = null) => ({
  oid: 0,
  schema: 'public',
  table: name,
  stableName: stableName('public', name),
  kind,
  columns: columns.map((column) => ({
    name: column.replace('?', ''),
    notNull: kind === 'table' && !column.endsWith('?'),
    collation: null,
    used: true,
  })),
  keys: kind === 'table' ? [['id']] : [],
  definition,
})

/** A question mark: the column may be null. */
const RELATIONS = [
  table('customers', ['id', 'region']),
  table('orders', ['id', 'customer_id', 'amount', 'note?']),
  table('refunds', ['id', 'amount']),
  table('suppliers', ['id', 'region']),
  table('parts', ['id', 'part_of?']),
  table(
    'big_orders',
    ['id', 'customer_id', 'amount'],
    'view',
    ' SELECT id,\n    customer_id,\n    amount\n   FROM public.orders\n  WHERE (amount > (20)::numeric);',
  ),
]

const FUNCTIONS = [
  { name: 'count', aggregate: true, setReturning: false },
  { name: 'sum', aggregate: true, setReturning: false },
  { name: 'max', aggregate: true, setReturning: false },
  { name: 'string_to_table', aggregate: false, setReturning: true },
]

/** By the name of the stream table. */
const EXAMPLES = {
  order_amounts: {
    query: 'select id, amount from orders',
    definition: 'SELECT id, amount FROM public.orders',
    columns: { id: 'integer', amount: 'money' },
  },
  large_orders: {
    query: 'select id, amount from orders where amount > 20',
    definition: 'SELECT id, amount FROM public.orders WHERE (amount > (20)::numeric)',
    columns: { id: 'integer', amount: 'money' },
  },
  gross_amounts: {
    query: 'select id, amount * 1.2 as gross from orders',
    definition: 'SELECT id, (amount * 1.2) AS gross FROM public.orders',
    columns: { id: 'integer', gross: 'numeric' },
  },
  order_regions: {
    query: 'select o.id, c.region from orders o join customers c on c.id = o.customer_id',
    definition: 'SELECT o.id, c.region FROM (public.orders o JOIN public.customers c ON ((c.id = o.customer_id)))',
    columns: { id: 'integer', region: 'text' },
  },
  order_pairs: {
    query: 'select a.id, b.id as next from orders a join orders b on a.customer_id = b.customer_id and a.id < b.id',
    definition:
      'SELECT a.id, b.id AS next FROM (public.orders a JOIN public.orders b ON (((a.customer_id = b.customer_id) AND (a.id < b.id))))',
    columns: { id: 'integer', next: 'integer' },
  },
  movements: {
    query: 'select amount from orders union all select -amount from refunds',
    definition:
      'SELECT orders.amount FROM public.orders UNION ALL SELECT (- refunds.amount) AS amount FROM public.refunds',
    columns: { amount: 'numeric' },
  },
  regions: {
    query: 'select region from customers union select region from suppliers',
    definition: 'SELECT customers.region FROM public.customers UNION SELECT suppliers.region FROM public.suppliers',
    columns: { region: 'text' },
    types: { region: 'text' },
  },
  customer_totals: {
    query: 'select customer_id, count(*) as orders, sum(amount) as total from orders group by customer_id',
    definition: 'SELECT customer_id, count(*) AS orders, sum(amount) AS total FROM public.orders GROUP BY customer_id',
    columns: { customer_id: 'integer', orders: 'bigint', total: 'numeric' },
    types: { customer_id: 'integer', amount: 'money', count: 'bigint', sum: 'numeric' },
  },
  largest_orders: {
    query: 'select customer_id, max(amount) as largest from orders group by customer_id',
    definition: 'SELECT customer_id, max(amount) AS largest FROM public.orders GROUP BY customer_id',
    columns: { customer_id: 'integer', largest: 'numeric' },
    types: { customer_id: 'integer', amount: 'money', max: 'numeric' },
  },
  all_orders: {
    query: 'select count(*) as orders, sum(amount) filter (where amount > 20) as large from orders',
    definition:
      'SELECT count(*) AS orders, sum(amount) FILTER (WHERE (amount > (20)::numeric)) AS large FROM public.orders',
    columns: { orders: 'bigint', large: 'numeric' },
    types: { amount: 'money', filter: 'boolean', count: 'bigint', sum: 'numeric' },
  },
  good_customers: {
    query: 'select customer_id, sum(amount) as total from orders group by customer_id having sum(amount) > 38',
    definition:
      'SELECT customer_id, sum(amount) AS total FROM public.orders GROUP BY customer_id HAVING (sum(amount) > (38)::numeric)',
    columns: { customer_id: 'integer', total: 'numeric' },
    types: { customer_id: 'integer', amount: 'money', sum: 'numeric' },
  },
  region_totals: {
    query:
      'select c.region, t.total from customers c\njoin (select customer_id, sum(amount) as total from orders group by customer_id) t on t.customer_id = c.id',
    definition:
      'SELECT c.region, t.total FROM (public.customers c JOIN ( SELECT orders.customer_id, sum(orders.amount) AS total FROM public.orders GROUP BY orders.customer_id) t ON ((t.customer_id = c.id)))',
    columns: { region: 'text', total: 'numeric' },
    types: { customer_id: 'integer', amount: 'money', sum: 'numeric' },
  },
  customer_regions: {
    query: 'select distinct region from customers',
    definition: 'SELECT DISTINCT region FROM public.customers',
    columns: { region: 'text' },
    types: { region: 'text' },
  },
  big_order_regions: {
    query:
      'with located as (select id, region from customers)\nselect b.id, l.region, b.amount from big_orders b join located l on l.id = b.customer_id',
    definition:
      'WITH located AS ( SELECT customers.id, customers.region FROM public.customers) SELECT b.id, l.region, b.amount FROM (public.big_orders b JOIN located l ON ((l.id = b.customer_id)))',
    columns: { id: 'integer', region: 'text', amount: 'money' },
  },
  customer_orders: {
    query: 'select c.id, c.region, o.id as order_id from customers c left join orders o on o.customer_id = c.id',
    definition:
      'SELECT c.id, c.region, o.id AS order_id FROM (public.customers c LEFT JOIN public.orders o ON ((o.customer_id = c.id)))',
    columns: { id: 'integer', region: 'text', order_id: 'integer' },
  },
  buyers: {
    query: 'select id, region from customers c where exists (select from orders o where o.customer_id = c.id)',
    definition:
      'SELECT id, region FROM public.customers c WHERE (EXISTS ( SELECT FROM public.orders o WHERE (o.customer_id = c.id)))',
    columns: { id: 'integer', region: 'text' },
  },
  spending: {
    query: 'select id, (select sum(amount) from orders o where o.customer_id = c.id) as total from customers c',
    definition:
      'SELECT id, ( SELECT sum(o.amount) AS sum FROM public.orders o WHERE (o.customer_id = c.id)) AS total FROM public.customers c',
    columns: { id: 'integer', total: 'numeric' },
    types: { customer_id: 'integer', amount: 'money', sum: 'numeric' },
  },
  latest_orders: {
    query:
      'select c.id, o.id as order_id from customers c left join lateral (\n  select id from orders where customer_id = c.id order by id desc limit 2\n) o on true',
    definition:
      'SELECT c.id, o.id AS order_id FROM (public.customers c LEFT JOIN LATERAL ( SELECT orders.id FROM public.orders WHERE (orders.customer_id = c.id) ORDER BY orders.id DESC LIMIT 2) o ON (true))',
    columns: { id: 'integer', order_id: 'integer' },
    types: { id: 'integer', key: 'integer', sort: 'integer' },
  },
  larger_orders: {
    query: 'select id, (select count(*) from orders l where l.amount > o.amount) as larger from orders o',
    definition:
      'SELECT id, ( SELECT count(*) AS count FROM public.orders l WHERE (l.amount > o.amount)) AS larger FROM public.orders o',
    columns: { id: 'integer', larger: 'bigint' },
    types: { id: 'integer', count: 'bigint' },
  },
  gross_and_net: {
    query:
      'select o.id, n.net from orders o\ncross join lateral (select o.amount * 1.2 as gross) g cross join lateral (select g.gross - 1 as net) n',
    definition:
      'SELECT o.id, n.net FROM ((public.orders o CROSS JOIN LATERAL ( SELECT (o.amount * 1.2) AS gross) g) CROSS JOIN LATERAL ( SELECT (g.gross - (1)::numeric) AS net) n)',
    columns: { id: 'integer', net: 'numeric' },
  },
  assemblies: {
    query:
      'with recursive inside as (\n  select id as assembly, id from parts union all select i.assembly, p.id from inside i join parts p on p.part_of = i.id\n)\nselect assembly, id from inside',
    definition:
      'WITH RECURSIVE inside AS ( SELECT parts.id AS assembly, parts.id FROM public.parts UNION ALL SELECT i.assembly, p.id FROM (inside i JOIN public.parts p ON ((p.part_of = i.id)))) SELECT assembly, id FROM inside',
    columns: { assembly: 'integer', id: 'integer' },
    types: { assembly: 'integer', id: 'integer' },
  },
  unsupplied_regions: {
    query: 'select region from customers except select region from suppliers',
    definition: 'SELECT customers.region FROM public.customers EXCEPT SELECT suppliers.region FROM public.suppliers',
    columns: { region: 'text' },
    types: { region: 'text', on_left: 'boolean', on_right: 'boolean', left_count: 'bigint', right_count: 'bigint' },
  },
  order_ranks: {
    query: 'select id, rank() over (partition by customer_id order by amount desc) as place from orders',
    definition: 'SELECT id, rank() OVER (PARTITION BY customer_id ORDER BY amount DESC) AS place FROM public.orders',
    columns: { id: 'integer', place: 'bigint' },
    types: { id: 'integer', customer_id: 'integer', amount: 'money', rank: 'bigint' },
  },
  largest_two: {
    query: 'select id, amount from orders order by amount desc, id limit 2',
    definition: 'SELECT id, amount FROM public.orders ORDER BY amount DESC, id LIMIT 2',
    columns: { id: 'integer', amount: 'money' },
    types: { id: 'integer', amount: 'money' },
  },
  words: {
    query: "select o.id, w.word from orders o cross join lateral string_to_table(o.note, ' ') as w(word)",
    definition:
      "SELECT o.id, w.word FROM (public.orders o CROSS JOIN LATERAL string_to_table(o.note, ' '::text) w(word))",
    columns: { id: 'integer', word: 'text' },
  },
  notes: {
    query: 'select note, count(*) as orders from orders group by note',
    definition: 'SELECT note, count(*) AS orders FROM public.orders GROUP BY note',
    columns: { note: 'text', orders: 'bigint' },
    types: { note: 'text', count: 'bigint' },
  },
  order_notes: {
    query: 'select customer_id, note from orders',
    definition: 'SELECT customer_id, note FROM public.orders',
    columns: { customer_id: 'integer', note: 'text' },
  },
}

/** Name → query, plan as text, tables to create, and the parts of the refresh statement by name. */
export async function compileExamples() {
  await loadParser()
  return new Map(Object.entries(EXAMPLES).map(([name, example]) => [name, compileExample(name, example)]))
}

function compileExample(name, { query, definition, columns, types = {} }) {
  const facts = {
    definition,
    columns: Object.entries(columns).map(([column, type]) => ({ name: column, type: TYPES[type] })),
    relations: new Map(
      RELATIONS.filter(
        ({ table: relation }) =>
          new RegExp(`public\\.${relation}\\b`).test(definition) ||
          (relation === 'orders' && definition.includes('big_orders')),
      ).map((relation) => [relationKey(relation.schema, relation.table), relation]),
    ),
    functions: FUNCTIONS,
    timeDependent: null,
  }
  const planned = planQuery(facts)
  if (planned.unsupported !== null)
    throw new Error(`the example ${name} is not differentiated: ${planned.unsupported.detail}`)
  const target = {
    schema: 'public',
    table: name,
    stableName: stableName('public', name),
    stageSchema: 'freshet_changes',
  }
  // the compiler numbers columns of the same name
  const inner = planned.probes.flatMap((probe) => probe.columns)
  const known = new Map(inner.map((column) => [column, TYPES[types[column.replace(/_\d+$/, '')] ?? types[column]]]))
  const compiled = compileQuery(facts, planned, known, target, { smallDeltaRows: 1000 })
  const changed = new Set(compiled.sources.map((source) => source.stableName))
  const statement = refreshCompiler(compiled.refresh).statement({ changed, extent: 'few', emits: false })
  return {
    query,
    plan: explainText(explainPlan(planned)),
    tables: compiled.tables.map((state) => state.create),
    statement,
    parts: partsOf(statement),
  }
}

/** The statement's common table expressions, each as it stands there. */
function partsOf(statement) {
  const parts = new Map()
  for (const [, quoted, plain, hint = '', body] of statement.matchAll(
    /^(?:with )?(?:"([^"]+)"|(\w+)) as ((?:not )?materialized )?\(\n([\s\S]*?)\n\),?$/gm,
  )) {
    const name = quoted ?? plain
    parts.set(name, `${quoted === undefined ? plain : `"${quoted}"`} as ${hint}(\n${body}\n)`)
  }
  return parts
}
