import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { Sample } from '../../src/series.ts'
import { duration } from './format.ts'

interface Line {
  readonly title: string
  readonly about: string
  readonly color: string
  readonly middle: (sample: Sample) => number | null
  readonly most: (sample: Sample) => number | null
}

const LINES: readonly Line[] = [
  {
    title: 'Freshness',
    about: 'how long changes of live tables waited, at most',
    color: '--water',
    middle: ({ freshnessP50Ms }) => freshnessP50Ms,
    most: ({ freshnessMaxMs }) => freshnessMaxMs,
  },
  {
    title: 'Refresh time',
    about: 'how long refreshes took',
    color: '--moss',
    middle: ({ durationP50Ms }) => durationP50Ms,
    most: ({ durationMaxMs }) => durationMaxMs,
  },
]

export function Charts({ samples }: { readonly samples: readonly Sample[] }) {
  return (
    <section class="charts" aria-label="The last ten minutes">
      {LINES.map((line) => (
        <Chart key={line.title} line={line} samples={samples} />
      ))}
    </section>
  )
}

const HEIGHT = 168

function Chart({ line, samples }: { readonly line: Line; readonly samples: readonly Sample[] }) {
  const place = useRef<HTMLDivElement>(null)
  const plot = useRef<uPlot | undefined>(undefined)
  const latest = samples.findLast((sample) => line.middle(sample) !== null)
  useEffect(() => {
    const element = place.current
    if (!element) return undefined
    const dark = matchMedia('(prefers-color-scheme: dark)')
    const draw = () => {
      const data = plot.current?.data ?? [[], [], []]
      plot.current?.destroy()
      plot.current = new uPlot(optionsFor(line, element.clientWidth), data, element)
    }
    const resized = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }))
    draw()
    resized.observe(element)
    dark.addEventListener('change', draw)
    return () => {
      resized.disconnect()
      dark.removeEventListener('change', draw)
      plot.current?.destroy()
      plot.current = undefined
    }
  }, [line])
  useEffect(() => {
    const positive = (of: Line['middle']) => samples.map((sample) => positiveOrNull(of(sample)))
    plot.current?.setData([samples.map(({ at }) => at), positive(line.most), positive(line.middle)])
  }, [line, samples])
  return (
    <figure class="card chart">
      <figcaption>
        <h2>{line.title}</h2>
        <span class="quiet">{line.about}</span>
        <span class="now">{latest ? duration(line.middle(latest)) : ''}</span>
      </figcaption>
      <div ref={place} class="plot" role="img" aria-label={`${line.title}, the last ten minutes`} />
    </figure>
  )
}

function optionsFor(line: Line, width: number): uPlot.Options {
  const style = getComputedStyle(document.documentElement)
  const color = (name: string) => style.getPropertyValue(name).trim()
  const axis = { stroke: color('--quiet'), font: '11px system-ui, sans-serif', ticks: { show: false } }
  const value = (_: uPlot, raw: number | null) => (raw === null ? '' : duration(raw))
  const accent = color(line.color)
  return {
    width,
    height: HEIGHT,
    padding: [8, 4, 0, 0],
    cursor: { points: { size: 6 }, drag: { x: false, y: false } },
    legend: { live: true },
    scales: { y: { distr: 3, range: (_, least, most) => wholeDecades(least, most) } },
    axes: [
      {
        ...axis,
        size: 26,
        grid: { show: false },
        space: 80,
        values: [
          [60, '{HH}:{mm}', null, null, null, null, null, null, 1],
          [1, '{HH}:{mm}:{ss}', null, null, null, null, null, null, 1],
        ],
      },
      {
        ...axis,
        size: 56,
        space: 36,
        grid: { stroke: color('--line'), width: 1, filter: (_, splits) => decades(splits) },
        filter: (_, splits) => decades(splits),
        values: (_, splits) => splits.map((ms) => (ms === null ? null : duration(ms).replace('.0', ''))),
      },
    ],
    series: [
      { label: 'at', value: (_, at) => (at === null ? '' : new Date(at * 1_000).toLocaleTimeString('en-GB')) },
      {
        label: 'slowest',
        stroke: `color-mix(in srgb, ${accent} 45%, transparent)`,
        width: 1,
        value,
        spanGaps: true,
        points: { show: false },
      },
      {
        label: 'p50',
        stroke: accent,
        width: 2,
        fill: `color-mix(in srgb, ${accent} 12%, transparent)`,
        value,
        spanGaps: true,
        points: { show: false },
      },
    ],
  }
}

/** The scale is logarithmic, as waits of milliseconds and of minutes are both worth seeing. */
const SMALLEST_MS = 0.1

function positiveOrNull(ms: number | null): number | null {
  return ms === null ? null : Math.max(ms, SMALLEST_MS)
}

function wholeDecades(least: number | null, most: number | null): [number, number] {
  const low = 10 ** Math.floor(Math.log10(least ?? 1))
  return [low, Math.max(10 ** Math.ceil(Math.log10(most ?? 1)), low * 10)]
}

function decades(splits: number[]): (number | null)[] {
  return splits.map((ms) => (Number.isInteger(Math.round(Math.log10(ms) * 1e6) / 1e6) ? ms : null))
}
