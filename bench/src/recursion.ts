import { assertEqualToQuery } from '@freshet/testkit'
import type pg from 'pg'
import { measurement, median, milliseconds } from './measurement.ts'
import type { Bench } from './stand.ts'

/**
 * Recursions after small changes: a tree from the top (UNION ALL), and every pair of a graph of chains that meet (UNION).
 * Ratio: REFRESH MATERIALIZED VIEW of the same query, in the same run ÷ this.
 */
const TREE = `with recursive down(id, depth) as (
  select id, 0 from parts where part_of = 0 union all select p.id, d.depth + 1 from down d join parts p on p.part_of = d.id
) select id, depth from down`

const GRAPH = `with recursive pairs(src, dst) as (
  select src, dst from edges union select p.src, e.dst from pairs p join edges e on e.src = p.dst
) select src, dst from pairs`

interface Case {
  readonly name: string
  readonly table: 'tree' | 'graph'
  /** `round` is another one each time. */
  readonly change: (round: number) => string
}

const ROUNDS = 15

export async function recursion(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  const nodes = Math.round(bench.rows / 5)
  await fill(bench, client, nodes)
  // nodes whose subtrees are some dozens, and leaves; links within chains of ten
  const high = (round: number) => Math.round(nodes / 50) + round
  const leaf = (round: number) => nodes - round
  const link = (round: number) => 10 * (Math.round(nodes / 50) + round)
  const cases: readonly Case[] = [
    {
      name: 'tree: a leaf comes',
      table: 'tree',
      change: (round) => `insert into parts values (${nodes + round}, ${leaf(round)})`,
    },
    { name: 'tree: a leaf goes', table: 'tree', change: (round) => `delete from parts where id = ${nodes + round}` },
    {
      name: 'tree: a part moves',
      table: 'tree',
      change: (round) => `update parts set part_of = ${high(round) - 20} where id = ${high(round)}`,
    },
    {
      name: 'graph: an edge goes',
      table: 'graph',
      change: (round) => `delete from edges where src = ${link(round) + 5}`,
    },
    {
      name: 'graph: an edge comes',
      table: 'graph',
      change: (round) => `insert into edges values (${link(round) + 5}, ${link(round) + 6})`,
    },
  ]
  for (const { name, table, change } of cases) {
    bench.say(name)
    const { id } = await bench.freshet.get(table)
    const times: number[] = []
    const rival: number[] = []
    for (let round = 1; round <= ROUNDS; round++) {
      await client.query(change(round))
      times.push(await milliseconds(() => bench.freshet.refresher.refresh(id)))
      if (round <= 3) rival.push(await milliseconds(() => client.query(`refresh materialized view rival_${table}`)))
    }
    await assertEqualToQuery(bench.freshet.database, table, table === 'tree' ? TREE : GRAPH)
    const [value, baseline] = [median(times), median(rival)]
    const fields = { suite: 'recursion', case: name, metric: 'refresh', unit: 'ms' }
    bench.report(measurement({ ...fields, value, baseline, ratio: baseline / value }))
  }
}

async function fill(bench: Bench, client: pg.Client, nodes: number): Promise<void> {
  bench.say(`filling a tree of ${nodes} parts, and a graph of ${nodes} edges`)
  await client.query(`create table parts (id int primary key, part_of int not null); create index on parts (part_of);
    insert into parts select n, n / 3 from generate_series(1, ${nodes - 100}) n;
    create table edges (src int, dst int, primary key (src, dst)); create index on edges (dst);
    insert into edges select n, n + 1 from generate_series(1, ${nodes}) n where n % 10 <> 0;
    insert into edges select n, n + 3 from generate_series(1, ${nodes}, 7) n where n % 10 < 7;
    analyze`)
  for (const [name, query] of [
    ['tree', TREE],
    ['graph', GRAPH],
  ] as const) {
    bench.say(`creating ${name}`)
    await bench.freshet.create({ name, query, schedule: 'manual' })
    await client.query(`create materialized view rival_${name} as ${query}; analyze ${name}`)
  }
}
