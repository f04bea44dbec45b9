import { parseArgs } from 'node:util'
import { freshSeed, startServer } from '@freshet/testkit'
import { scriptOf } from './fuzz/case.ts'
import { generateCase } from './fuzz/case-generator.ts'
import { parseFeatures } from './fuzz/features.ts'
import { runCampaign } from './fuzz/campaign.ts'

/**
 * `npm run fuzz -- --cases N --seed S [--features all|basic|…]`: random stream tables against the oracle. Exits 1 when one
 * differs. `--from M` goes on with a campaign of which M cases were run; every hundred cases it says where that would be.
 */
const { values } = parseArgs({
  options: {
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string' },
    from: { type: 'string', default: '0' },
    features: { type: 'string', default: 'all' },
    jobs: { type: 'string', default: '2' },
    print: { type: 'boolean', default: false },
  },
})

const cases = wholeNumber('cases', values.cases)
const from = wholeNumber('from', values.from)
const features = parseFeatures(values.features)
const seed = values.seed === undefined ? freshSeed() : wholeNumber('seed', values.seed)

if (values.print) {
  console.log(scriptOf(generateCase(seed, features)))
} else {
  process.exitCode = await main()
}

async function main(): Promise<number> {
  const given = process.env['FRESHET_TEST_DATABASE_URL']
  const server = given ? undefined : await startServer()
  try {
    console.log(`${cases} cases, --seed ${seed}${from === 0 ? '' : ` --from ${from}`}`)
    const started = performance.now()
    const { failures, surprises, full, slow, ...counts } = await runCampaign({
      cases,
      seed,
      from,
      features,
      jobs: wholeNumber('jobs', values.jobs),
      serverUrl: given ?? server?.url ?? '',
      log: (line) => console.log(line),
    })
    const seconds = (performance.now() - started) / 1000
    for (const { subject, failed, file } of failures) {
      console.log(
        `\n${'='.repeat(80)}\n${failed.what} ${failed.key}\n${failed.detail}\n\n${scriptOf(subject)}\n\nstored in ${file}`,
      )
    }
    const rate = (counts.cases / seconds).toFixed(1)
    console.log(
      `\n${counts.cases} cases, ${counts.refreshes} refreshes, ${rate} cases a second: ${failures.length} failures`,
    )
    for (const [reason, count] of surprises) console.log(`FULL without cause: ${count} × ${reason}`)
    for (const [reason, count] of full) console.log(`FULL, as it may be: ${count} × ${reason}`)
    for (const { ms, seed: of, stream } of slow) console.log(`slow: ${ms.toFixed(0)} ms for ${stream} of --seed ${of}`)
    return failures.length === 0 ? 0 : 1
  } finally {
    await server?.stop()
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} takes a whole number, not ${text}`)
  return value
}
