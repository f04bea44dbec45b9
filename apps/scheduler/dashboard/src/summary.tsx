import type { TableStatus } from '../../src/api.ts'
import type { Sample } from '../../src/series.ts'
import { count, duration } from './format.ts'

interface Props {
  readonly tables: readonly TableStatus[]
  readonly samples: readonly Sample[]
  readonly loaded: boolean
}

/** The four figures to look at first. */
export function Summary({ tables, samples, loaded }: Props) {
  const minute = samples.slice(-60)
  const refreshes = minute.reduce((sum, sample) => sum + sample.refreshes, 0)
  const changes = minute.reduce((sum, sample) => sum + sample.changeRows, 0)
  const waits = minute.flatMap(({ freshnessP50Ms }) => freshnessP50Ms ?? []).sort((a, b) => a - b)
  const active = tables.filter(({ status }) => status === 'active').length
  const stopped = tables.length - active
  const failing = tables.filter(
    ({ consecutiveErrors, status }) => consecutiveErrors > 0 || status === 'suspended',
  ).length
  return (
    <section class="summary" aria-label="Summary">
      <Figure label="Stream tables" value={loaded ? count(tables.length) : '–'}>
        {stopped > 0 ? `${active} active, ${stopped} not` : 'all active'}
      </Figure>
      <Figure label="Freshness" value={duration(waits[waits.length >> 1] ?? null)}>
        {waits.length > 0 ? 'typical wait of a change, last minute' : 'no changes in the last minute'}
      </Figure>
      <Figure label="Refreshes" value={`${count(refreshes)} / min`}>
        {count(changes)} changes read
      </Figure>
      <Figure label="Failing" value={loaded ? count(failing) : '–'} bad={failing > 0}>
        {failing > 0 ? 'see the last errors below' : 'every table refreshes'}
      </Figure>
    </section>
  )
}

interface FigureProps {
  readonly label: string
  readonly value: string
  readonly bad?: boolean
  readonly children: preact.ComponentChildren
}

function Figure({ label, value, bad = false, children }: FigureProps) {
  return (
    <div class="figure">
      <h2>{label}</h2>
      <strong class={bad ? 'bad' : ''}>{value}</strong>
      <span class="quiet">{children}</span>
    </div>
  )
}
