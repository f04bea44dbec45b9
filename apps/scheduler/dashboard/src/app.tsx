import type { GraphAnswer, HistoryAnswer, SeriesAnswer, StatusAnswer } from '../../src/api.ts'
import { Charts } from './charts.tsx'
import { useFetched } from './fetched.ts'
import { DependencyGraph } from './graph.tsx'
import { Header } from './header.tsx'
import { History } from './history.tsx'
import { StreamTables } from './stream-tables.tsx'
import { Summary } from './summary.tsx'

export function App() {
  const status = useFetched<StatusAnswer>('api/status', 2_000)
  const history = useFetched<HistoryAnswer>('api/history', 1_000)
  const series = useFetched<SeriesAnswer>('api/series', 1_000)
  const graph = useFetched<GraphAnswer>('api/graph', 5_000)
  const tables = status.data?.tables ?? []
  const problem = status.problem ?? history.problem
  return (
    <>
      <Header status={status.data} problem={problem} />
      <main data-stale={problem === undefined ? undefined : ''}>
        <Summary tables={tables} samples={series.data?.samples ?? []} loaded={status.data !== undefined} />
        <Charts samples={series.data?.samples ?? []} />
        <StreamTables tables={tables} loaded={status.data !== undefined} />
        <div class="pair">
          {graph.data && <DependencyGraph graph={graph.data} tables={tables} />}
          <History refreshes={history.data?.refreshes ?? []} loaded={history.data !== undefined} />
        </div>
      </main>
    </>
  )
}
