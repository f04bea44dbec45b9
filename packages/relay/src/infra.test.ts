import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { relayMetrics } from './metrics.ts'

/** What the dashboard and the alerts of relays name is what a relay counts. */
const read = (path: string) => readFileSync(fileURLToPath(new URL(`../../../infra/${path}`, import.meta.url)), 'utf8')

interface Dashboard {
  readonly panels: readonly { readonly title: string; readonly targets: readonly { readonly expr: string }[] }[]
  readonly templating: { readonly list: readonly { readonly query: { readonly query: string } }[] }
}

const dashboard = JSON.parse(read('grafana/dashboards/relays.json')) as Dashboard
const { groups } = parse(read('prometheus/relay-rules.yaml')) as {
  groups: readonly { rules: readonly { alert: string; expr: string; labels: { severity: string } }[] }[]
}
const rules = groups.flatMap((group) => group.rules)
const expressions = [
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [`panel ${title}`, expr] as const)),
  ...dashboard.templating.list.map(({ query }) => ['variable', query.query] as const),
  ...rules.map(({ alert, expr }) => [`alert ${alert}`, expr] as const),
]
const namesIn = (text: string) =>
  [...text.matchAll(/\bfreshet_\w+/g)].map(([name]) => name.replace(/_(bucket|sum|count)$/, ''))

async function metrics(): Promise<readonly string[]> {
  const { text } = await relayMetrics().expose()
  return [...text.matchAll(/^# TYPE (freshet_\w+)/gm)].map(([, name = '']) => name)
}

test.each(expressions)('%s names metrics that there are: %s', async (_, expression) => {
  const names = namesIn(expression)
  expect(names).not.toEqual([])
  expect(await metrics()).toEqual(expect.arrayContaining(names))
})

test('every metric of relays is on the dashboard, and every alert says how much it matters', async () => {
  expect([...new Set(expressions.flatMap(([, expression]) => namesIn(expression)))].sort()).toEqual(
    [...(await metrics())].sort(),
  )
  for (const { labels } of rules) expect(['warning', 'critical']).toContain(labels.severity)
})
