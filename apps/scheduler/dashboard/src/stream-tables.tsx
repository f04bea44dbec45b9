import type { ComponentChildren } from 'preact'
import type { TableStatus } from '../../src/api.ts'
import { ago, count, duration, nameParts } from './format.ts'

export function StreamTables({
  tables,
  loaded,
}: {
  readonly tables: readonly TableStatus[]
  readonly loaded: boolean
}) {
  return (
    <section class="card" aria-label="Stream tables">
      <h2>Stream tables</h2>
      {tables.length === 0 ? (
        <p class="empty">
          {loaded ? (
            <>
              No stream tables yet. Make one with <code>freshet create</code>.
            </>
          ) : (
            'Loading…'
          )}
        </p>
      ) : (
        <table class="tables">
          <thead>
            <tr>
              <th>Name</th>
              <th>Mode</th>
              <th>Schedule</th>
              <th title="How urgent it is: hot, warm, cold or frozen">Tier</th>
              <th class="number" title="Objective: a change is to be visible within this long">
                SLA
              </th>
              <th class="number" title="It has seen every change that is older than this">
                Lag
              </th>
              <th class="number" title="By the server’s statistics">
                Rows
              </th>
              <th class="number" title="Change rows in the buffers of its sources">
                Waiting
              </th>
              <th class="number" title="By this scheduler, in the last minute">
                Per minute
              </th>
              <th class="number" title="Refresh time, last hour">
                p50
              </th>
              <th class="number" title="Refresh time, last hour">
                p99
              </th>
            </tr>
          </thead>
          <tbody>
            {tables.map((table) => (
              <Row key={table.id} table={table} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

function Row({ table }: { readonly table: TableStatus }) {
  const { schema, table: short } = nameParts(table.name)
  const waiting = table.pendingIsLowerBound ? `≥ ${count(table.pendingChanges)}` : count(table.pendingChanges)
  return (
    <>
      <tr data-table={table.name}>
        <th scope="row">
          <div>
            <i class={`dot ${stateOf(table)}`} title={table.status} />
            <span class="name">
              <span class="quiet">{schema}</span>
              {short}
            </span>
            {table.status !== 'active' && <span class={`chip ${stateOf(table)}`}>{table.status}</span>}
          </div>
        </th>
        <Cell label="Mode">
          <span class={`chip ${table.effectiveMode}`}>{table.effectiveMode}</span>
        </Cell>
        <Cell label="Schedule">{table.schedule}</Cell>
        <Cell label="Tier" faint={table.tier === 'hot'}>
          {table.tier}
        </Cell>
        <Cell label="SLA" number faint={table.slaMs === null}>
          <Objective table={table} />
        </Cell>
        <Cell label="Lag" number>
          <Lag table={table} />
        </Cell>
        <Cell label="Rows" number>
          {count(table.estimatedRows)}
        </Cell>
        <Cell label="Waiting" number faint={table.pendingChanges === 0}>
          {waiting}
        </Cell>
        <Cell label="Per minute" number faint={table.refreshesPerMinute === 0}>
          {count(table.refreshesPerMinute)}
        </Cell>
        <Cell label="p50" number>
          {duration(table.p50Ms)}
        </Cell>
        <Cell label="p99" number>
          {duration(table.p99Ms)}
        </Cell>
      </tr>
      <Notes table={table} />
    </>
  )
}

function Lag({ table }: { readonly table: TableStatus }) {
  if (table.status === 'initializing') return <span class="quiet">filling</span>
  if (table.lagMs === null) return <span class="quiet">–</span>
  const refreshed = table.refreshedAt === null ? 'never refreshed' : `last change ${ago(table.refreshedAt, Date.now())}`
  if (table.lagMs === 0) {
    return (
      <span class="good" title={refreshed}>
        fresh
      </span>
    )
  }
  return <span title={refreshed}>{duration(table.lagMs)}</span>
}

function Objective({ table: { slaMs, lagMs } }: { readonly table: TableStatus }) {
  const missed = slaMs !== null && lagMs !== null && lagMs > slaMs
  return <span class={missed ? 'bad' : ''}>{duration(slaMs)}</span>
}

/** Why it is FULL, why it stands still, and what went wrong last: each with what to do about it. */
function Notes({ table }: { readonly table: TableStatus }) {
  const { modeReason, statusReason, lastError } = table
  const full = modeReason !== null && table.effectiveMode === 'full'
  if (!full && statusReason === null && lastError === null) return null
  return (
    <tr class="notes">
      <td colSpan={11}>
        {full && (
          <p>
            <b>full</b> {modeReason.detail} <code>{modeReason.code}</code>
          </p>
        )}
        {statusReason !== null && (
          <p>
            <b>{table.status}</b> {statusReason}
          </p>
        )}
        {lastError !== null && (
          <p class="bad">
            <b>
              {table.consecutiveErrors > 0
                ? `${table.consecutiveErrors} ${table.consecutiveErrors === 1 ? 'error' : 'errors in a row'}`
                : 'last error'}
            </b>{' '}
            {lastError.message} <code>{lastError.code}</code>
            {lastError.hint !== undefined && <span class="hint">{lastError.hint}</span>}
          </p>
        )}
      </td>
    </tr>
  )
}

interface CellProps {
  /** Shown in front of the value where the page is too narrow for a table. */
  readonly label: string
  readonly number?: boolean
  readonly faint?: boolean
  readonly children: ComponentChildren
}

export function Cell({ label, number = false, faint = false, children }: CellProps) {
  return (
    <td data-label={label} class={`${number ? 'number' : ''} ${faint ? 'quiet' : ''}`}>
      {children}
    </td>
  )
}

export function stateOf(table: TableStatus): 'good' | 'warn' | 'bad' | 'idle' {
  if (table.status === 'suspended') return 'bad'
  if (table.consecutiveErrors > 0) return 'warn'
  return table.status === 'active' ? 'good' : 'idle'
}
