import { parseArgs } from 'node:util'
import { capture } from './capture.ts'
import { freshness } from './freshness.ts'
import { jsonReport, tableHeader, tableReport } from './measurement.ts'
import { refresh } from './refresh.ts'
import { openBench, type Bench } from './stand.ts'
import { tpch } from './tpch.ts'

/** `npm run bench -- SUITE [--json] [--rows n] [--sf n] [--changes percent,…]`; the last two are of the suite tpch. */
const { values, positionals } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rows: { type: 'string', default: '1000000' },
    sf: { type: 'string', default: '0.1' },
    changes: { type: 'string', default: '0.01,0.1,1,10' },
  },
  allowPositionals: true,
})
const scale = Number(values.sf)
const fractions = values.changes.split(',').map((percent) => Number(percent) / 100)
const SUITES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = {
  capture,
  refresh,
  freshness,
  tpch: tpch({ scale, fractions }),
}
const USAGE = `usage: npm run bench -- SUITE [--json] [--rows n] [--sf n] [--changes percent,…]
suites: ${Object.keys(SUITES).join(', ')}
`
const suites = positionals.map((name) => SUITES[name])
const rows = Number(values.rows)

const sensible =
  Number.isSafeInteger(rows) && rows >= 1_000 && scale > 0 && fractions.every((each) => each > 0 && each <= 1)

if (suites.length === 0 || suites.includes(undefined) || !sensible) {
  process.stderr.write(USAGE)
  process.exitCode = 2
} else {
  for (const suite of suites) if (suite) await run(suite)
}

async function run(suite: (bench: Bench) => Promise<void>): Promise<void> {
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  await using bench = await openBench({ rows, report: values.json ? jsonReport : tableReport, say })
  say(bench.server)
  if (!values.json) tableHeader()
  await suite(bench)
}
