import { setTimeout as sleep } from 'node:timers/promises'
import type { StreamTable } from '@freshet/client'
import { type Database, identifier, join, sql } from '@freshet/core'
import type { Moment } from './frame.ts'
import type { Screen } from './screen.ts'
import type { Tally } from './tally.ts'
import { onlyAbort } from './writer.ts'

/** Shows the moment again and again until the signal. */
export async function watch(
  screen: Screen,
  database: Database,
  tables: readonly StreamTable[],
  tally: Tally,
  { now, signal }: { readonly now: () => Omit<Moment, 'tables' | 'total' | 'recent'>; readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await sleep(screen.intervalMs, undefined, { signal }).catch(onlyAbort)
    if (signal.aborted) return
    const rows = await rowCounts(database, tables)
    screen.show({
      ...now(),
      total: tally.total,
      recent: tally.recent(),
      tables: tables.map((table) => ({
        ...tally.table(table.name),
        name: table.table,
        mode: table.effectiveMode,
        schedule: table.schedule,
        rows: rows.get(table.id) ?? null,
      })),
    })
  }
}

/** Counted, not estimated: the tables are small. */
async function rowCounts(database: Database, tables: readonly StreamTable[]): Promise<Map<number, number>> {
  const counts = tables.map(
    ({ id, schema, table }) => sql`select ${id}::int as id, count(*)::int as rows from ${identifier(schema, table)}`,
  )
  const rows = await database.query<{ id: number; rows: number }>(sql`${join(counts, ' union all ')}`)
  return new Map(rows.map((row) => [row.id, row.rows]))
}
