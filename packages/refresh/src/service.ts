import {
  FreshetError,
  parseAtomic,
  parseSla,
  parseTier,
  type Queryable,
  type ServiceSpec,
  sql,
  type Tier,
} from '@freshet/core'
import type { Mode } from './definition.ts'

/** What of its service is to be changed; null takes the SLA away. */
export interface ServiceChange {
  readonly sla?: string | null
  readonly tier?: Tier
  readonly atomic?: string | null
}

/** Throws where a part of it means nothing. */
export function checkService({ sla, tier, atomic }: ServiceSpec | ServiceChange, mode: Mode = 'auto'): void {
  if (sla !== undefined && sla !== null) parseSla(sla)
  if (tier !== undefined) parseTier(tier)
  if (atomic === undefined || atomic === null) return
  parseAtomic(atomic)
  if (mode === 'immediate')
    throw new FreshetError('USAGE', 'an immediate stream table is not refreshed, and so not together with others', {
      hint: 'Give it another mode, or no group: --atomic none.',
    })
}

/** Writes what was given, and leaves the rest as it is. It makes no new version: only `settleUnits` may have to. */
export async function setService(
  queryable: Queryable,
  id: number,
  { sla, tier, atomic }: ServiceSpec | ServiceChange,
): Promise<void> {
  if (sla === undefined && tier === undefined && atomic === undefined) return
  const slaMs = sla === undefined || sla === null ? null : parseSla(sla)
  await queryable.query(sql`
    update freshet.stream_table
    set sla_ms = case when ${sla === undefined}::boolean then sla_ms else ${slaMs}::bigint end,
      tier = coalesce(${tier ?? null}::text, tier),
      atomic = case when ${atomic === undefined}::boolean then atomic else ${atomic ?? null}::text end,
      altered_at = clock_timestamp()
    where stream_table_id = ${id}`)
}
