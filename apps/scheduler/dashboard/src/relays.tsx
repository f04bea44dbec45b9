import type { RelayStatus } from '../../src/relays.ts'
import { ago, count } from './format.ts'
import { Cell } from './stream-tables.tsx'

/** What is relayed out of this database, by whichever process. Nothing is shown where nothing is. */
export function Relays({ relays }: { readonly relays: readonly RelayStatus[] }) {
  if (relays.length === 0) return null
  return (
    <section class="card" aria-label="Relays">
      <h2>Relays</h2>
      <table class="tables">
        <thead>
          <tr>
            <th>Name</th>
            <th>From</th>
            <th class="number" title="Messages that it has not delivered">
              Waiting
            </th>
            <th class="number" title="Since the oldest of them was written">
              Oldest
            </th>
            <th class="number">Delivered</th>
            <th class="number" title="Messages that the sink will never take: freshet relay dead-letters">
              Dead letters
            </th>
          </tr>
        </thead>
        <tbody>
          {relays.map((relay) => (
            <Row key={relay.name} relay={relay} />
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Row({ relay }: { readonly relay: RelayStatus }) {
  const { name, outbox, working, movedAt, waiting, waitingIsLowerBound, waitingSince, deadLetters } = relay
  const waits = waiting === null ? '–' : `${waitingIsLowerBound ? '≥ ' : ''}${count(waiting)}`
  return (
    <tr data-relay={name}>
      <th scope="row">
        <div>
          <i class={`dot ${stateOf(relay)}`} title={working ? 'working' : 'nobody relays it'} />
          <span class="name">{name}</span>
          {!working && <span class="chip warn">nobody relays it</span>}
        </div>
      </th>
      <Cell label="From">{outbox ?? 'a stream table'}</Cell>
      <Cell label="Waiting" number faint={waiting === 0 || waiting === null}>
        {waits}
      </Cell>
      <Cell label="Oldest" number faint={waitingSince === null}>
        {waitingSince === null ? '–' : ago(waitingSince, Date.now())}
      </Cell>
      <Cell label="Delivered" number>
        {ago(movedAt, Date.now())}
      </Cell>
      <Cell label="Dead letters" number faint={deadLetters === 0}>
        <span class={deadLetters > 0 ? 'bad' : ''}>{count(deadLetters)}</span>
      </Cell>
    </tr>
  )
}

function stateOf({ working, deadLetters }: RelayStatus): 'good' | 'warn' | 'bad' {
  if (deadLetters > 0) return 'bad'
  return working ? 'good' : 'warn'
}
