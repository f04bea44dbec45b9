import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { FreshetError } from '@freshet/core'
import { relayMetrics } from './metrics.ts'

/** What the dashboard of relays asks for is exposed: every metric, with these labels, and none is forgotten. */
interface Panel {
  readonly title: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets: readonly { readonly expr: string }[]
}

const path = fileURLToPath(new URL('../../../infra/grafana/dashboards/relay.json', import.meta.url))
const { panels } = JSON.parse(readFileSync(path, 'utf8')) as { readonly panels: readonly Panel[] }
const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

/** Of each metric, the labels that it had when everything had happened once. */
async function exposed(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const metrics = relayMetrics()
  const { listener } = metrics
  const relay = 'orders'
  const error = new FreshetError('SINK_UNAVAILABLE', 'away')
  listener({ relay, kind: 'started', position: '' })
  listener({ relay, kind: 'delivered', messages: 1, bytes: 1, seconds: 1 })
  listener({ relay, kind: 'failed', error, retryInMs: 1, circuit: 'open' })
  listener({ relay, kind: 'dead letter', id: '1', error })
  listener({ relay, kind: 'redelivered', messages: 1 })
  listener({ relay, kind: 'lag', messages: 1 })
  const { text } = await metrics.expose()
  const found = new Map<string, Set<string>>()
  for (const [, name = '', labels = ''] of text.matchAll(/^(freshet_relay_\w+)\{([^}]*)\}/gm)) {
    const known = found.get(name) ?? new Set(['instance', 'job'])
    found.set(name, known)
    for (const [, label = ''] of labels.matchAll(/(\w+)="/g)) known.add(label)
  }
  return found
}

test('every metric and label that it names is exposed, and every metric is shown', async () => {
  const metrics = await exposed()
  const shown = new Set<string>()
  for (const expression of expressions) {
    const names = [...expression.matchAll(/\bfreshet_relay_\w+/g)].map(([name]) => name)
    expect(names, expression).toHaveLength(1)
    const [name = ''] = names
    shown.add(name.replace(/_bucket$/, ''))
    const used = [
      ...[...expression.matchAll(/(\w+)\s*=~?\s*"/g)].map(([, label = '']) => label),
      ...[...expression.matchAll(/\bby \(([^)]*)\)/g)].flatMap(([, list = '']) => list.split(/,\s*/)),
    ]
    expect([...(metrics.get(name) ?? [])], expression).toEqual(expect.arrayContaining(used))
  }
  const all = new Set([...metrics.keys()].map((name) => name.replace(/_(bucket|sum|count)$/, '')))
  expect([...shown].sort()).toEqual([...all].sort())
})

test('its panels do not overlap', () => {
  const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
    Array.from({ length: w * h }, (_, i) => `${x + (i % w)} ${y + Math.floor(i / w)}`),
  )
  expect(new Set(cells).size).toBe(cells.length)
})
