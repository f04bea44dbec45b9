import { parseArgs } from 'node:util'
import { capture } from './capture.ts'
import { freshness } from './freshness.ts'
import { jsonReport, tableHeader, tableReport } from './measurement.ts'
import { refresh } from './refresh.ts'
import { openBench, type Bench } from './stand.ts'

/** `npm run bench -- SUITE [--json] [--rows n]` */
const SUITES: Readonly<Record<string, (bench: Bench) => Promise<void>>> = { capture, refresh, freshness }
const USAGE = `usage: npm run bench -- SUITE [--json] [--rows n]\nsuites: ${Object.keys(SUITES).join(', ')}\n`

const { values, positionals } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rows: { type: 'string', default: '1000000' } },
  allowPositionals: true,
})
const suites = positionals.map((name) => SUITES[name])
const rows = Number(values.rows)

if (suites.length === 0 || suites.includes(undefined) || !Number.isSafeInteger(rows) || rows < 1_000) {
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
