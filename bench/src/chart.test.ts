import { expect, test } from 'vitest'
import { pointsOf, speedUpChart } from './chart.ts'
import { measurement } from './measurement.ts'

const refresh = (subject: string, ratio: number) =>
  measurement({ suite: 'tpch', case: subject, metric: 'refresh', value: 10, unit: 'ms', baseline: 10 * ratio, ratio })
const run = [
  refresh('q1@0.01%', 40),
  measurement({ suite: 'tpch', case: 'q1@0.01%', metric: 'taken in full', value: 0, unit: '%' }),
  refresh('q1@10%', 0.5),
  measurement({ suite: 'tpch', case: 'all@10%', metric: 'median speed-up', value: 0.5, unit: '×' }),
  measurement({ suite: 'refresh', case: 'full', metric: 'refresh', value: 1, unit: 'ms', baseline: 1, ratio: 1 }),
]

test('a point for each query and share, and the medians', () => {
  expect(pointsOf(run)).toEqual([
    { query: 'q1', percent: 0.01, speedUp: 40 },
    { query: 'q1', percent: 10, speedUp: 0.5 },
    { query: 'median', percent: 10, speedUp: 0.5 },
  ])
})

test('a picture that is the same each time', async () => {
  const picture = await speedUpChart(pointsOf(run))
  expect(picture).toMatch(/^<svg [^]*<\/svg>$/)
  for (const text of ['q1', '0.01 %', '10 %', '1 ×']) expect(picture).toContain(`>${text}<`)
  expect(await speedUpChart(pointsOf(run))).toBe(picture)
})
