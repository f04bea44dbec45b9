import type { Freshet } from '@freshet/client'
import { sql } from '@freshet/core'

/** The server's clock: ages are told by it, because the times in the catalog are its own. */
export async function serverNow(freshet: Freshet): Promise<Date> {
  const [row] = await freshet.database.query<{ now: Date }>(sql`select clock_timestamp() as now`)
  return row?.now ?? new Date()
}
