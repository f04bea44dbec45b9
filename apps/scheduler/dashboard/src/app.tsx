import type { ComponentChildren } from 'preact'
import type { DatabasesAnswer, GraphAnswer, HistoryAnswer, SeriesAnswer, StatusAnswer } from '../../src/api.ts'
import type { RelaysAnswer } from '../../src/relays.ts'
import { Charts } from './charts.tsx'
import { Databases, useDatabase } from './databases.tsx'
import { useFetched } from './fetched.ts'
import { DependencyGraph } from './graph.tsx'
import { Header } from './header.tsx'
import { History } from './history.tsx'
import { Relays } from './relays.tsx'
import { StreamTables } from './stream-tables.tsx'
import { Summary } from './summary.tsx'

export function App() {
  const [database, choose] = useDatabase()
  const databases = useFetched<DatabasesAnswer>('api/databases', 60_000).data?.databases ?? []
  const of = database === null ? '' : `?database=${encodeURIComponent(database)}`
  return (
    <Page key={of} of={of}>
      <Databases databases={databases} chosen={database} choose={choose} />
    </Page>
  )
}

/** `of` names the database in what is asked. */
function Page({ of, children }: { readonly of: string; readonly children: ComponentChildren }) {
  const status = useFetched<StatusAnswer>(`api/status${of}`, 2_000)
  const history = useFetched<HistoryAnswer>(`api/history${of}`, 1_000)
  const series = useFetched<SeriesAnswer>(`api/series${of}`, 1_000)
  const relays = useFetched<RelaysAnswer>(`api/relays${of}`, 2_000)
  const graph = useFetched<GraphAnswer>(`api/graph${of}`, 5_000)
  const tables = status.data?.tables ?? []
  const problem = status.problem ?? history.problem
  return (
    <>
      <Header status={status.data} problem={problem}>
        {children}
      </Header>
      <main data-stale={problem === undefined ? undefined : ''}>
        <Summary tables={tables} samples={series.data?.samples ?? []} loaded={status.data !== undefined} />
        <Charts samples={series.data?.samples ?? []} />
        <StreamTables tables={tables} loaded={status.data !== undefined} />
        <Relays relays={relays.data?.relays ?? []} />
        <div class="pair">
          {graph.data && <DependencyGraph graph={graph.data} tables={tables} />}
          <History refreshes={history.data?.refreshes ?? []} loaded={history.data !== undefined} />
        </div>
      </main>
    </>
  )
}
