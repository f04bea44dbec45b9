import * as vega from 'vega'
import { compile, type TopLevelSpec } from 'vega-lite'
import type { Measurement } from './measurement.ts'

/**
 * The picture of the suite `tpch`: how many times faster AUTO is than REFRESH MATERIALIZED VIEW, over the share of
 * changed rows, a line for each query and one for their median. Where a line crosses 1, a full refresh is the faster.
 */
export interface Point {
  readonly query: string
  readonly percent: number
  readonly speedUp: number
}

/** The points that a run of the suite gave, the median of all queries among them. */
export function pointsOf(measurements: readonly Measurement[]): Point[] {
  return measurements.flatMap(({ suite, case: subject, metric, value, ratio }) => {
    const [query = '', share = ''] = subject.split('@')
    const percent = Number(share.replace('%', ''))
    if (suite !== 'tpch' || !(percent > 0)) return []
    if (metric === 'median speed-up') return [{ query: 'median', percent, speedUp: value }]
    return metric === 'refresh' && ratio !== null ? [{ query, percent, speedUp: ratio }] : []
  })
}

export async function speedUpChart(points: readonly Point[]): Promise<string> {
  const { spec } = compile(specification(points))
  const view = new vega.View(vega.parse(spec), { renderer: 'none' })
  try {
    return await view.toSVG()
  } finally {
    view.finalize()
  }
}

function specification(points: readonly Point[]): TopLevelSpec {
  const percents = [...new Set(points.map((point) => point.percent))].toSorted((a, b) => a - b)
  const x = logarithmic('percent', percents, '%', 'changed rows of every table')
  const scale = logarithmic('speedUp', [0.01, 0.1, 0.5, 1, 2, 5, 10, 100], '×', 'REFRESH MATERIALIZED VIEW ÷ AUTO')
  // the names of the queries are at the left
  const y = { ...scale, axis: { ...scale.axis, orient: 'right' } } as const
  return {
    data: { values: [...points] },
    width: 620,
    height: 400,
    background: 'white',
    config: { font: 'Helvetica, Arial, sans-serif', view: { stroke: null } },
    layer: [
      {
        mark: { type: 'rule', strokeDash: [4, 4], color: '#888' },
        encoding: { y: { datum: 1, type: 'quantitative' } },
      },
      {
        transform: [{ filter: `datum.query != 'median'` }],
        mark: { type: 'line', strokeWidth: 1, opacity: 0.45, color: '#4c78a8' },
        encoding: { x, y, detail: { field: 'query', type: 'nominal' } },
      },
      {
        transform: [{ filter: `datum.query != 'median' && datum.percent == ${percents[0] ?? 0}` }],
        mark: { type: 'text', align: 'right', dx: -6, fontSize: 9, color: '#4c78a8' },
        encoding: { x, y, text: { field: 'query', type: 'nominal' } },
      },
      {
        transform: [{ filter: `datum.query == 'median'` }],
        mark: { type: 'line', strokeWidth: 3, color: '#d62728', point: { color: '#d62728', size: 40 } },
        encoding: { x, y },
      },
    ],
  }
}

function logarithmic(field: keyof Point, values: number[], unit: string, title: string) {
  const axis = { values, labelExpr: `datum.value + ' ${unit}'`, title }
  return { field, type: 'quantitative', scale: { type: 'log' }, axis } as const
}
