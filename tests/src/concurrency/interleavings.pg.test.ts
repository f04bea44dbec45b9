import { freshSeed, random } from '@freshet/testkit'
import { afterAll, describe, expect, test } from 'vitest'
import { LONG } from '../length.ts'
import { explore, type Report, type Spec } from './explore.ts'
import { SCHEMA_SPECS } from './schema-specs.ts'
import { SPECS } from './specs.ts'
import { KINDS } from './writers.ts'

/**
 * Every spec, by triggers and where it makes sense by WAL, with every kind of writer; in the short form some of them, for
 * one kind. `FRESHET_TEST_SEED` makes the same choices again.
 */
const seed = Number(process.env['FRESHET_TEST_SEED'] ?? freshSeed())
const kinds = LONG ? KINDS.length : 1
const eachOf = (spec: Spec) => (LONG ? (spec.anew === true ? 1 : 5) : 2)
const reports: Report[] = []

const cases = [...SPECS, ...SCHEMA_SPECS].flatMap((spec) =>
  (['trigger', 'wal'] as const).flatMap((cdc) => (cdc === 'trigger' || spec.wal === true ? [{ spec, cdc }] : [])),
)

const chosen = LONG ? cases : random(seed).sample(cases, 12)

describe.concurrent('interleavings', () => {
  test.each(chosen)('$spec.name ($cdc)', { timeout: 600_000 }, async ({ spec, cdc }) => {
    const report = await explore(spec, { seed, kinds, each: eachOf(spec), cdc })
    reports.push(report)
    expect(report.differences).toBe(0)
  })
})

afterAll(() => {
  const sum = (of: (report: Report) => number) => reports.reduce((total, report) => total + of(report), 0)
  const met: Record<string, number> = {}
  for (const report of reports)
    for (const [code, count] of Object.entries(report.met)) met[code] = (met[code] ?? 0) + count
  console.log(
    `seed ${seed}: ${reports.length} specs, ${sum(({ interleavings }) => interleavings)} interleavings tried ` +
      `of ${sum(({ possible }) => possible)}, ${sum(({ steps }) => steps)} steps, ${sum(({ waits }) => waits)} of them waited; ` +
      `${sum(({ verified }) => verified)} verifications, ${sum(({ audits }) => audits)} audits, ` +
      `errors that may be: ${JSON.stringify(met)}; differences ${sum(({ differences }) => differences)}`,
  )
})
