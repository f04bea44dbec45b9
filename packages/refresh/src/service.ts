import { parseSla, parseTier, type Queryable, type ServiceSpec, sql, type Tier } from '@freshet/core'

/** What of its service is to be changed; null takes the SLA away. */
export interface ServiceChange {
  readonly sla?: string | null
  readonly tier?: Tier
}

/** Throws where a part of it means nothing. */
export function checkService({ sla, tier }: ServiceSpec | ServiceChange): void {
  if (sla !== undefined && sla !== null) parseSla(sla)
  if (tier !== undefined) parseTier(tier)
}

/** Writes what was given, and leaves the rest as it is. Only schedulers read it, so it makes no new version. */
export async function setService(
  queryable: Queryable,
  id: number,
  { sla, tier }: ServiceSpec | ServiceChange,
): Promise<void> {
  if (sla === undefined && tier === undefined) return
  const slaMs = sla === undefined || sla === null ? null : parseSla(sla)
  await queryable.query(sql`
    update freshet.stream_table
    set sla_ms = case when ${sla === undefined}::boolean then sla_ms else ${slaMs}::bigint end,
      tier = coalesce(${tier === undefined ? null : parseTier(tier)}::text, tier), altered_at = clock_timestamp()
    where stream_table_id = ${id}`)
}
