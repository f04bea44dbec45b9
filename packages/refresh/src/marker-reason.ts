import { type Queryable, sql } from '@freshet/core'
import type { Definition } from './definition.ts'

/** Why there is a marker in a window, as a reason code: the gate of a source is shut, was shut since, or it was truncated. */
export async function markerReason(queryable: Queryable, { plan, snapshots }: Definition): Promise<string> {
  const [row] = await queryable.query<{ gate: boolean }>(sql`
    select exists (
      select from unnest(${plan.sources.map(({ stableName }) => stableName)}::text[], ${[...snapshots]}::text[]) as f(name, frontier)
      join freshet.source s on s.stable_name = f.name
      where s.gate = 'shut' or not pg_visible_in_snapshot(s.resumed, f.frontier::pg_snapshot)
    ) as gate`)
  return row?.gate === true ? 'CAPTURE_PAUSED' : 'TRUNCATED'
}
