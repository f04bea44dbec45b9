import { parseArgs } from 'node:util'
import { freshSeed, startServer } from '@freshet/testkit'
import { runCampaign } from './tpch/campaign.ts'

/**
 * The long form of tpch/tpch.pg.test.ts: `node tests/dist/tpch.js --sf 0.01 --rounds 20`, and
 * `--queries q07,q15 --rounds 1000`; `--mode immediate` lets the changes themselves keep the tables. Exits 1 when a table
 * differs from its query or was not refreshed by its delta.
 */
const { values } = parseArgs({
  options: {
    sf: { type: 'string', default: '0.01' },
    rounds: { type: 'string', default: '20' },
    fraction: { type: 'string', default: '0.005' },
    seed: { type: 'string' },
    queries: { type: 'string' },
    mode: { type: 'string', default: 'differential' },
  },
})
const mode = values.mode === 'immediate' ? 'immediate' : 'differential'
const seed = values.seed === undefined ? freshSeed() : Number(values.seed)
const given = process.env['FRESHET_TEST_DATABASE_URL']
const server = given ? undefined : await startServer()
try {
  console.log(`scale factor ${values.sf}, ${values.rounds} rounds, --seed ${seed}`)
  const started = performance.now()
  const { modes, failures, differentialRefreshes } = await runCampaign({
    serverUrl: given ?? server?.url ?? '',
    scale: Number(values.sf),
    rounds: Number(values.rounds),
    fraction: Number(values.fraction),
    seed,
    mode,
    ...(values.queries === undefined ? {} : { queries: values.queries.split(',') }),
    log: (line) => console.log(line),
  })
  const wanted = mode === 'immediate' ? 'immediate' : 'differential'
  const refused = Object.values(modes).filter((found) => found !== wanted)
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(
    `${differentialRefreshes} differential refreshes, ${failures.length} failures, ${refused.length} queries not ${wanted}, ${seconds} s`,
  )
  process.exitCode = failures.length + refused.length === 0 ? 0 : 1
} finally {
  await server?.stop()
}
