import { readFile } from 'node:fs/promises'
import type { Freshet, StreamTable } from '@freshet/client'

/**
 * What is kept fresh, in an order in which each can be created: those that read others come after them. Their queries
 * lie in `demo/queries`, one file each.
 */
export const STREAM_TABLES: readonly { readonly name: string; readonly schedule: string }[] = [
  { name: 'departures_board', schedule: 'live' },
  { name: 'delayed_now', schedule: 'live' },
  { name: 'airport_departures', schedule: 'live' },
  { name: 'airport_arrivals', schedule: 'live' },
  { name: 'airport_movements', schedule: 'live' },
  { name: 'worst_airports', schedule: 'live' },
  { name: 'route_delays', schedule: 'live' },
  { name: 'network', schedule: 'live' },
  { name: 'connections', schedule: 'live' },
  { name: 'reach', schedule: 'live' },
  { name: 'state_delays', schedule: 'live' },
  { name: 'troubled_states', schedule: 'live' },
  { name: 'departures_by_hour', schedule: '1s' },
  { name: 'state_pairs', schedule: '2s' },
]

/** Returns whether it came to the end before the signal. */
export async function createStreamTables(
  freshet: Freshet,
  signal: AbortSignal,
  created: (table: StreamTable, ms: number) => void,
): Promise<boolean> {
  for (const { name, schedule } of STREAM_TABLES) {
    if (signal.aborted) return false
    // from src and from dist alike
    const query = await readFile(new URL(`../queries/${name}.sql`, import.meta.url), 'utf8')
    const startedAt = performance.now()
    const table = await freshet.create({ name, query, schedule })
    created(table, performance.now() - startedAt)
  }
  return true
}
