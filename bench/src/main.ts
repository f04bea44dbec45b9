import { parseArgs } from 'node:util'
import { text } from 'node:stream/consumers'
import { capture } from './capture.ts'
import { pointsOf, speedUpChart } from './chart.ts'
import { citus } from './citus.ts'
import { compile } from './compile.ts'
import { dag } from './dag.ts'
import { freshness } from './freshness.ts'
import { idle } from './idle.ts'
import { immediate } from './immediate.ts'
import { jsonReport, parseReport, type Report, tableHeader, tableReport } from './measurement.ts'
import { recursion } from './recursion.ts'
import { refresh } from './refresh.ts'
import { relay } from './relay.ts'
import { scale } from './scale.ts'
import { shadow } from './shadow.ts'
import { openBench, type Bench } from './stand.ts'
import { tpch } from './tpch.ts'

/**
 * `npm run bench -- SUITE [--json] [--rows n] [--sf n] [--changes percent,…] [--queries q01,…] [--tables n] [--history n]`: of the
 * last five, `--sf` and `--queries` are of the suites tpch and immediate, `--changes` of tpch, the last two of scale.
 */
const { values, positionals } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    json: { type: 'boolean', default: false },
    rows: { type: 'string' },
    sf: { type: 'string', default: '0.1' },
    queries: { type: 'string' },
    changes: { type: 'string', default: '0.01,0.1,1,10' },
    tables: { type: 'string', default: '10000' },
    history: { type: 'string', default: '10000000' },
  },
  allowPositionals: true,
})
const scaleFactor = Number(values.sf)
const size = { tables: Number(values.tables), history: Number(values.history) }
const fractions = values.changes.split(',').map((percent) => Number(percent) / 100)
const queries = values.queries === undefined ? {} : { queries: values.queries.split(',') }
const SUITES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  capture,
  refresh,
  recursion,
  freshness,
  compile,
  dag,
  idle,
  immediate: immediate({ scale: scaleFactor, ...queries }),
  relay,
  scale: scale(size),
  shadow,
  tpch: tpch({ scale: scaleFactor, fractions, ...queries }),
}
const USAGE = `usage: npm run bench -- SUITE [--json] [--rows n] [--sf n] [--changes percent,…] [--queries q01,…]
       [--tables n] [--history n]
suites: ${[...Object.keys(SUITES), 'citus'].join(', ')}
       npm run --silent bench -- chart < tpch.jsonl > tpch.svg
`
/** On clusters of its own. */
const CITUS = 'citus'
const suites = positionals.filter((name) => name !== CITUS).map((name) => SUITES[name])
const rows = Number(values.rows ?? 1_000_000)
const citusRows = Number(values.rows ?? 5_000_000)

const sensible =
  Number.isSafeInteger(rows) &&
  rows >= 1_000 &&
  Object.values(size).every((each) => Number.isSafeInteger(each) && each >= 100) &&
  scaleFactor > 0 &&
  fractions.every((each) => each > 0 && each <= 1)

if (positionals.length === 1 && positionals[0] === 'chart') {
  console.log(await speedUpChart(pointsOf(parseReport(await text(process.stdin)))))
} else if (values.help) {
  process.stdout.write(USAGE)
} else if (positionals.length === 0 || suites.includes(undefined) || !sensible) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else {
  for (const suite of suites) if (suite) await run(suite)
  if (positionals.includes(CITUS)) await citus({ rows: citusRows, report: reporter(), say })
}

async function run(suite: (bench: Bench) => Promise<void>): Promise<void> {
  await using bench = await openBench({ rows, report: reporter(), say })
  say(bench.server)
  await suite(bench)
}

function say(line: string): void {
  process.stderr.write(`${line}\n`)
}

function reporter(): Report {
  if (values.json) return jsonReport
  tableHeader()
  return tableReport
}
