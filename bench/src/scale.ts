import { pruneHistory } from '@freshet/coordinator'
import { raw } from '@freshet/core'
import { startScheduler } from '@freshet/scheduler'
import { assertEqualToQuery } from '@freshet/testkit'
import type pg from 'pg'
import { measurement, median, milliseconds } from './measurement.ts'
import { fillCatalog, GROUP_TABLES, groupQueries } from './scale/catalog.ts'
import { fillHistory } from './scale/history.ts'
import type { Bench } from './stand.ts'

/**
 * What it takes to know how things are where there are many: 10,000 stream tables and ten million refreshes. Times until
 * an answer is complete, at the program that asked, in milliseconds: the median of several and the longest, after one that
 * is not counted. `scale/catalog.ts` and `scale/history.ts` say what of the two is real. No ratios: nothing does the same.
 */
export interface ScaleOptions {
  readonly tables: number
  readonly history: number
}

const ROUNDS = 7
const STARTS = 3
const DAY_MS = 86_400_000
const PRUNE_ROWS = 5_000
const PRUNES = 20

/** What asks the history, or the catalog beside it, in SQL. */
const QUERIES: Readonly<Record<string, string>> = {
  stream_tables_status: 'select * from freshet.stream_tables_status',
  'stream_tables_status of one': `select * from freshet.stream_tables_status where name = 'public.scale_0_join1'`,
  sla_summary: 'select * from freshet.sla_summary()',
  dependency_tree: 'select * from freshet.dependency_tree()',
  explain_dag: 'select freshet.explain_dag()',
}

export function scale({ tables, history }: ScaleOptions): (bench: Bench) => Promise<void> {
  return async (bench) => {
    const client = await bench.database.client()
    await fillCatalog(bench, client, tables)
    await sameAnswers(bench, client, Math.ceil(tables / GROUP_TABLES) - 1)
    for (let start = 0; start < STARTS; start++) await open(bench, tables, start === 0)
    await fillHistory(bench, client, history)
    await answers(bench, client)
    await pruning(bench, history)
    await open(bench, tables, false)
  }
}

/** A copy is a stream table: what is written reaches it by capture and refresh. */
async function sameAnswers({ freshet, database }: Bench, client: pg.Client, group: number): Promise<void> {
  for (const source of ['a', 'b'])
    await client.query(`insert into scale_${group}_${source} select i, 'k' || i % 3, i from generate_series(1, 20) i`)
  for (const [name, query] of groupQueries(group)) {
    const { action } = await freshet.refresh(name)
    if (action === 'none') throw new Error(`${name} did not hear of what was written`)
    await assertEqualToQuery(database.database, name, query)
  }
}

/** From the start of a scheduler in this process until it is ready: connected, the catalog read, the buffers asked. */
async function open({ database, report }: Bench, tables: number, first: boolean): Promise<void> {
  let ready: (ms: number) => void = () => undefined
  const took = new Promise<number>((resolve) => {
    ready = resolve
  })
  const started = performance.now()
  const scheduler = await startScheduler({
    databaseUrl: database.url,
    port: 0,
    listener: ({ kind }) => {
      if (kind === 'connected') ready(performance.now() - started)
    },
  })
  const metric = first ? 'open, first time' : 'open'
  report(measurement({ suite: 'scale', case: `${tables} tables`, metric, value: await took, unit: 'ms' }))
  await scheduler.stop()
}

async function answers({ freshet, report }: Bench, client: pg.Client): Promise<void> {
  const one = 'scale_0_join1'
  const asked: Readonly<Record<string, () => Promise<unknown>>> = {
    ...Object.fromEntries(Object.entries(QUERIES).map(([name, text]) => [name, () => client.query(text)])),
    'list()': () => freshet.list(),
    'status()': () => freshet.status(),
    'status() of one': () => freshet.status(one),
    'history()': () => freshet.history({ limit: 1_000 }),
    'history() of one': () => freshet.history({ name: one, limit: 1_000 }),
    'slaSummary()': () => freshet.slaSummary(),
  }
  for (const [name, ask] of Object.entries(asked)) {
    await ask()
    const times: number[] = []
    for (let round = 0; round < ROUNDS; round++) times.push(await milliseconds(ask))
    report(measurement({ suite: 'scale', case: name, metric: 'median', value: median(times), unit: 'ms' }))
    report(measurement({ suite: 'scale', case: name, metric: 'longest', value: Math.max(...times), unit: 'ms' }))
  }
}

/** A scheduler's batches of the oldest days, and the look when none is left. */
async function pruning({ database: { database }, report, say }: Bench, history: number): Promise<void> {
  const batches = Math.min(PRUNES, Math.floor(history / PRUNE_ROWS / 2))
  if (batches === 0) return say('too little history to prune')
  const [days] = await database.query<{ ms: number }>(
    raw(`select extract(epoch from statement_timestamp() - started_at)::float8 * 1000 as ms
      from freshet.refresh_history order by started_at offset ${PRUNE_ROWS * batches} limit 1`),
  )
  const retentionMs = days?.ms ?? 60 * DAY_MS
  say(`pruning what is older than ${Math.round(retentionMs / DAY_MS)} days`)
  const times: number[] = []
  for (let batch = 0; batch < batches; batch++)
    times.push(await milliseconds(() => pruneHistory(database, retentionMs, PRUNE_ROWS)))
  const figure = (metric: string, value: number) =>
    report(measurement({ suite: 'scale', case: `prune ${PRUNE_ROWS} rows`, metric, value, unit: 'ms' }))
  figure('median', median(times))
  figure('longest', Math.max(...times))
  figure('nothing to prune', await milliseconds(() => pruneHistory(database, 60 * DAY_MS, PRUNE_ROWS)))
}
