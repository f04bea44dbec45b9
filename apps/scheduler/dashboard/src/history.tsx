import type { RefreshEntry } from '../../src/api.ts'
import { clockTime, count, duration, nameParts } from './format.ts'

const SHOWN = 40
const CALM_MS = 15_000

export function History({
  refreshes,
  loaded,
}: {
  readonly refreshes: readonly RefreshEntry[]
  readonly loaded: boolean
}) {
  return (
    <section class="card history" aria-label="Last refreshes">
      <h2>Last refreshes</h2>
      {refreshes.length === 0 ? (
        <p class="empty">{loaded ? 'Nothing has been refreshed yet.' : 'Loading…'}</p>
      ) : (
        <ol class={isCalm(refreshes) ? 'calm' : ''}>
          {refreshes.slice(0, SHOWN).map((refresh) => (
            <Entry key={refresh.id} refresh={refresh} />
          ))}
        </ol>
      )}
    </section>
  )
}

/** New lines are lit up for a moment, unless so many come that the whole list would flicker. */
function isCalm(refreshes: readonly RefreshEntry[]): boolean {
  const shown = refreshes.slice(0, SHOWN).map(({ startedAt }) => Date.parse(startedAt))
  return Math.max(...shown) - Math.min(...shown) > CALM_MS
}

function Entry({ refresh }: { readonly refresh: RefreshEntry }) {
  const { schema, table } = nameParts(refresh.name)
  const by = refresh.initiatedBy === 'scheduler' ? '' : ` by ${refresh.initiatedBy}`
  return (
    <li
      class={refresh.error ? 'failed' : ''}
      title={`${refresh.action}${by}, ${count(refresh.changeRows)} changes read`}
    >
      <time dateTime={refresh.startedAt}>{clockTime(refresh.startedAt)}</time>
      <span class="name">
        <span class="quiet">{schema}</span>
        {table}
      </span>
      {refresh.error ? (
        <span class="bad what">{refresh.error.message}</span>
      ) : (
        <span class="what">
          {refresh.action !== 'differential' && <span class="chip full">{refresh.reason ?? refresh.action}</span>}
          <Rows sign="+" rows={refresh.rowsInserted} />
          <Rows sign="−" rows={refresh.rowsDeleted} />
        </span>
      )}
      <span class="number">{duration(refresh.durationMs).replace('.0', '')}</span>
    </li>
  )
}

function Rows({ sign, rows }: { readonly sign: string; readonly rows: number }) {
  return (
    <span class={`rows ${rows === 0 ? 'none' : ''}`}>
      {sign}
      {count(rows)}
    </span>
  )
}
