import { setTimeout as sleep } from 'node:timers/promises'
import { startScheduler } from '@freshet/scheduler'
import { assertEqualToQuery } from '@freshet/testkit'
import type pg from 'pg'
import { measurement, median, milliseconds, percentile } from './measurement.ts'
import type { Bench } from './stand.ts'

/**
 * Stream tables that read each other: from COMMIT returning in the writer to the change being visible in all of them,
 * with live schedules and a scheduler that had been idle. Ratio: REFRESH MATERIALIZED VIEW of the same queries, one
 * after another in their order, in the same run ÷ this.
 */
const ROWS = 100_000
const ROUNDS = 15
const RIVAL_ROUNDS = 3
/** Longer than the slowest poll: every commit meets an idle scheduler, each at another moment of its pause. */
const REST_MS = 400

interface StreamTable {
  readonly name: string
  /** `%` stands for the prefix of what it reads. */
  readonly query: string
}

interface Dag {
  readonly name: string
  readonly prefix: string
  /** What is read before what reads it. */
  readonly tables: readonly StreamTable[]
  /** When these show a change, all do. */
  readonly leaves: readonly string[]
  /** All in one transaction. */
  readonly atomic?: boolean
}

const group = (from: string) => `select k, sum(n)::bigint as n, max(seq)::bigint as seq from ${from} group by k`

const WIDTH = 20

const SEPARATE: readonly Dag[] = [
  {
    name: 'chain 10',
    prefix: 'chain',
    tables: Array.from({ length: 10 }, (_, i) => ({
      name: `chain_${i}`,
      query:
        i % 2 === 0 ? group(i === 0 ? 'facts' : `%_${i - 1}`) : `select k, n + 1 as n, seq from %_${i - 1} where n > 0`,
    })),
    leaves: ['chain_9'],
  },
  {
    name: `wide ${3 * WIDTH}`,
    prefix: 'wide',
    tables: Array.from({ length: 3 * WIDTH }, (_, i) => ({
      name: `wide_${i}`,
      query: group(i < WIDTH ? 'facts' : `%_${i - WIDTH}`),
    })),
    leaves: Array.from({ length: WIDTH }, (_, i) => `wide_${2 * WIDTH + i}`),
  },
  {
    name: 'diamond',
    prefix: 'diamond',
    tables: [
      { name: 'diamond_left', query: group('facts') },
      { name: 'diamond_right', query: 'select k, count(*) as rows from facts group by k' },
      {
        name: 'diamond_bottom',
        query: 'select l.k, l.n, r.rows, l.seq from %_left as l join %_right as r on r.k = l.k',
      },
    ],
    leaves: ['diamond_bottom'],
  },
]

const DAGS = SEPARATE.flatMap((each): Dag[] => [each, { ...each, name: `${each.name}, atomic`, atomic: true }])

export async function dag(bench: Bench): Promise<void> {
  const client = await bench.database.client()
  await client.query(`
    create table facts (id bigint generated always as identity primary key, k int not null, n int not null, seq bigint not null);
    insert into facts (k, n, seq) select i % 100, i % 7, 0 from generate_series(1, ${ROWS}) as i;
  `)
  await client.query('vacuum (analyze) facts')
  for (const each of DAGS) await measure(bench, client, each)
}

async function measure(bench: Bench, client: pg.Client, { name, prefix, tables, leaves, atomic }: Dag): Promise<void> {
  bench.say(`${name}: creating ${tables.length} stream tables`)
  const queryOf = ({ query }: StreamTable, of: string) => query.replaceAll('%', of)
  for (const table of tables) {
    await bench.freshet.create({
      name: table.name,
      query: queryOf(table, prefix),
      schedule: 'live',
      ...(atomic ? { atomic: prefix } : {}),
    })
    await client.query(`create materialized view rival_${table.name} as ${queryOf(table, `rival_${prefix}`)}`)
  }
  const scheduler = await startScheduler({ databaseUrl: bench.database.url, port: 0 })
  const times: number[] = []
  try {
    // the first rounds plan and connect
    for (let round = -5; round < ROUNDS; round++) {
      await sleep(REST_MS + Math.random() * 200)
      const took = await visible(client, leaves)
      if (round >= 0) times.push(took)
    }
  } finally {
    await scheduler.stop()
  }
  for (const table of tables) {
    await assertEqualToQuery(bench.freshet.database, table.name, queryOf(table, prefix))
  }
  const rival: number[] = []
  for (let round = 0; round < RIVAL_ROUNDS; round++) {
    rival.push(
      await milliseconds(async () => {
        for (const table of tables) await client.query(`refresh materialized view rival_${table.name}`)
      }),
    )
  }
  const baseline = median(rival)
  const figure = (metric: string, value: number) =>
    bench.report(
      measurement({ suite: 'dag', case: name, metric, value, unit: 'ms', baseline, ratio: baseline / value }),
    )
  figure('p50', median(times))
  figure('max', percentile(times, 1))
  for (const table of [...tables].reverse()) {
    await client.query(`drop materialized view rival_${table.name}`)
    await bench.freshet.drop(table.name)
  }
}

let seq = 0

/** Writes one row, and waits until every leaf shows it. */
async function visible(client: pg.Client, leaves: readonly string[]): Promise<number> {
  seq++
  await client.query('insert into facts (k, n, seq) values ($1, 1, $2)', [seq % 100, seq])
  const committed = performance.now()
  const watch = {
    name: `watch ${leaves[0]}`,
    text: `select least(${leaves.map((leaf) => `(select max(seq) from ${leaf})`).join(', ')}) as seq`,
  }
  for (;;) {
    const { rows } = await client.query<{ seq: string }>(watch)
    const now = performance.now()
    if (Number(rows[0]?.seq) >= seq) return now - committed
    if (now - committed > 30_000) throw new Error('a change did not become visible within 30 s')
    await sleep(1)
  }
}
