import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { compileQuery, planQuery } from '@freshet/dvm'
import { resolveQuery, type Resolved } from '@freshet/refresh'
import { createTpch, TPCH_QUERIES } from '@freshet/tests/tpch'
import { measurement, median } from './measurement.ts'
import type { Bench } from './stand.ts'

/**
 * What the compiler takes for each query of TPC-H, in milliseconds of processor time: from PostgreSQL's facts to all
 * statements, without the server. And whether its memory stays flat over many compilations. Ratio: the heap in use
 * after all of them ÷ that after the first tenth.
 */
const COMPILATIONS = 10_000

const TARGET = { schema: 'public', table: 'answer', stableName: '0'.repeat(16), stageSchema: 'freshet_changes' }

function compileOnce({ facts, types }: Resolved): number {
  const compiled = compileQuery(facts, planQuery(facts), types, TARGET, { smallDeltaRows: 1_000 })
  return compiled.tables.length
}

export async function compile(bench: Bench): Promise<void> {
  await createTpch(await bench.database.client(), 0.001)
  const resolved: Resolved[] = []
  const usual: number[] = []
  for (const { name, sql } of TPCH_QUERIES) {
    const one = await resolveQuery(bench.freshet.database, sql)
    resolved.push(one)
    const first = processorMs(() => compileOnce(one))
    const value = median(Array.from({ length: 20 }, () => processorMs(() => compileOnce(one))))
    usual.push(value)
    const fields = { suite: 'compile', case: name.replace(/^q0?/, 'q'), unit: 'ms' }
    bench.report(measurement({ ...fields, metric: 'first compilation', value: first }))
    bench.report(measurement({ ...fields, metric: 'compilation', value }))
  }
  const all = { suite: 'compile', case: 'all' }
  bench.report(measurement({ ...all, metric: 'slowest compilation', value: Math.max(...usual), unit: 'ms' }))
  bench.say(`${COMPILATIONS} compilations`)
  const used = heapUsedBy(resolved)
  const [early = 0, late = 0] = [used[0], used.at(-1)]
  const growth = { baseline: early, ratio: late / early }
  bench.report(measurement({ ...all, metric: `heap after ${COMPILATIONS / 10}`, value: early, unit: 'MiB' }))
  bench.report(measurement({ ...all, metric: `heap after ${COMPILATIONS}`, value: late, unit: 'MiB', ...growth }))
}

/** Processor time: what else the machine does is not counted, garbage collection is. */
function processorMs(work: () => unknown): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000
}

/** The heap in use after each tenth of the compilations, garbage collected. */
function heapUsedBy(resolved: readonly Resolved[]): number[] {
  const collect = garbageCollector()
  const used: number[] = []
  for (let i = 1; i <= COMPILATIONS; i++) {
    const one = resolved[i % resolved.length]
    if (one !== undefined) compileOnce(one)
    if (i % (COMPILATIONS / 10) === 0) {
      collect()
      used.push(process.memoryUsage().heapUsed / 2 ** 20)
    }
  }
  return used
}

function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc')
  // The flag makes new contexts have it; without the flag the name would be unknown, and this throw.
  return runInNewContext('gc') as () => void
}
