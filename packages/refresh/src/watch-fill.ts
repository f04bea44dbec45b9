import { type Database, identifier, isFreshetError, raw, sql } from '@freshet/core'
import type { Definition } from './definition.ts'
import type { OnProgress } from './progress.ts'

const PROGRESS_MS = 500

async function stoppableSleep(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })
}

/** Rows written so far, by the growth of the table's file; rows expected, by the planner's estimate. */
export function watchFill(
  database: Database,
  definition: Definition,
  onProgress: OnProgress,
): { stop(): Promise<void> } {
  const stopping = new AbortController()
  const table = identifier(definition.schema, definition.table)
  const look = async () => {
    const [plan] = await database.query<{
      'QUERY PLAN': readonly [{ Plan: { 'Plan Rows': number; 'Plan Width': number } }]
    }>(raw(`explain (format json) ${definition.definition}`))
    const estimate = plan?.['QUERY PLAN'][0].Plan
    for (;;) {
      await stoppableSleep(PROGRESS_MS, stopping.signal)
      if (stopping.signal.aborted) return
      const [size] = await database.query<{ bytes: number }>(
        sql`select pg_relation_size(${table.text}::regclass)::float8 as bytes`,
      )
      const width = 28 + (estimate?.['Plan Width'] ?? 100)
      const rows = Math.round((size?.bytes ?? 0) / width)
      const expectedRows = Math.max(rows, estimate?.['Plan Rows'] ?? rows)
      onProgress({ phase: 'fill', message: 'filling the table', rows, expectedRows })
    }
  }
  const watching = look().catch((error: unknown) => {
    // Progress is a courtesy: a fill does not fail because it could not be watched.
    onProgress({
      phase: 'fill',
      message: isFreshetError(error) ? `filling the table (no progress: ${error.message})` : 'filling the table',
    })
  })
  return {
    async stop() {
      stopping.abort()
      await watching
    },
  }
}
