import { parseSnapshot, stableName } from '@freshet/core'
import { assertEqualToQuery } from '@freshet/testkit'
import { changeRound, createTpch, TABLES, tpchQueries, type TpchQuery } from '@freshet/tests/tpch'
import type pg from 'pg'
import { measurement, median, milliseconds } from './measurement.ts'
import type { Bench } from './stand.ts'

/**
 * The 22 queries of TPC-H as stream tables in mode AUTO, after changes of a share of every table: a third of it new, a
 * third updated, a third deleted. Ratio: REFRESH MATERIALIZED VIEW of the same query, in the same round ÷ this.
 * After the last round of each share every table is compared with its query.
 */
export interface TpchOptions {
  readonly scale: number
  readonly fractions: readonly number[]
  /** Names such as `q01`; all 22 when left out. */
  readonly queries?: readonly string[]
}

/** Milliseconds of each round; which kind of refresh AUTO took. */
interface Times {
  readonly auto: number[]
  readonly full: number[]
  readonly actions: string[]
}

export function tpch({ scale, fractions, queries }: TpchOptions): (bench: Bench) => Promise<void> {
  return async (bench) => {
    const client = await bench.database.client()
    const chosen = tpchQueries(queries)
    bench.say(`filling scale factor ${scale}`)
    const sizes = await createTpch(client, scale)
    const ids = await createTables(bench, client, chosen)
    let seed = 1
    const round = async (fraction: number, times: ReadonlyMap<string, Times>) => {
      const changes = changeRound({ sizes, seed: seed++, fraction, everywhere: false })
      for (const statement of changes) await client.query(statement)
      // Whoever reads a changed row first marks it as committed, for all: that is the cost of neither rival.
      for (const table of TABLES) await client.query(`select count(*) from ${table}`)
      for (const { name } of chosen) {
        const known = times.get(name)
        const refresh = async () =>
          void known?.actions.push((await bench.freshet.refresher.refresh(ids.get(name) ?? 0)).action)
        const own = async () => void known?.auto.push(await milliseconds(refresh))
        const rival = async () =>
          void known?.full.push(await milliseconds(() => client.query(`refresh materialized view rival_${name}`)))
        // who comes second finds in memory what the first has read
        for (const turn of seed % 2 === 0 ? [rival, own] : [own, rival]) await turn()
      }
      await trim(bench, client)
    }
    await round(0.0001, noTimes(chosen))
    for (const fraction of fractions) {
      const times = noTimes(chosen)
      // an even number: each rival is first as often as the other
      const rounds = fraction > 0.05 ? 6 : 10
      for (let i = 1; i <= rounds; i++) {
        bench.say(`changes of ${percent(fraction)}, round ${i} of ${rounds}`)
        await round(fraction, times)
      }
      for (const { name, sql } of chosen) await assertEqualToQuery(bench.freshet.database, name, sql)
      report(bench, fraction, times)
    }
  }
}

async function createTables(
  bench: Bench,
  client: pg.Client,
  queries: readonly TpchQuery[],
): Promise<ReadonlyMap<string, number>> {
  const ids = new Map<string, number>()
  for (const { name, sql } of queries) {
    bench.say(`creating ${name}`)
    const { id, effectiveMode, modeReason } = await bench.freshet.create({ name, query: sql, schedule: 'manual' })
    if (effectiveMode !== 'differential')
      bench.say(`${name} is refreshed in full: ${modeReason?.code} ${modeReason?.detail}`)
    ids.set(name, id)
    await client.query(`create materialized view rival_${name} as ${sql}`)
  }
  return ids
}

function noTimes(queries: readonly TpchQuery[]): ReadonlyMap<string, Times> {
  return new Map(queries.map(({ name }) => [name, { auto: [], full: [], actions: [] }]))
}

function report(bench: Bench, fraction: number, times: ReadonlyMap<string, Times>): void {
  const ratios: number[] = []
  for (const [name, { auto, full, actions }] of times) {
    const [value, baseline] = [median(auto), median(full)]
    ratios.push(baseline / value)
    const subject = `${name.replace(/^q0?/, 'q')}@${percent(fraction)}`
    bench.report(
      measurement({
        suite: 'tpch',
        case: subject,
        metric: 'refresh',
        value,
        unit: 'ms',
        baseline,
        ratio: baseline / value,
      }),
    )
    const inFull = actions.filter((action) => action === 'full').length / actions.length
    bench.report(measurement({ suite: 'tpch', case: subject, metric: 'taken in full', value: inFull * 100, unit: '%' }))
  }
  const fields = { suite: 'tpch', case: `all@${percent(fraction)}`, unit: '×' }
  bench.report(measurement({ ...fields, metric: 'median speed-up', value: median(ratios) }))
  bench.report(measurement({ ...fields, metric: 'least speed-up', value: Math.min(...ratios) }))
}

function percent(fraction: number): string {
  return `${Number((fraction * 100).toPrecision(3))}%`
}

/** As the scheduler does it: what every stream table has seen is trimmed. */
async function trim({ freshet: { capture, database } }: Bench, client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ now: string }>('select pg_current_snapshot()::text as now')
  const now = parseSnapshot(rows[0]?.now ?? '')
  for (const table of TABLES) {
    while ((await capture.trim(database, stableName('public', table), now, 100_000)) > 0);
  }
}
