import {
  type Database,
  DEFAULT_PATIENCE,
  FreshetError,
  holdCapture,
  type Queryable,
  sql,
  whileRefused,
  withPatience,
} from '@freshet/core'
import { captureSources } from '../capture-sources.ts'
import type { RefreshContext } from '../context.ts'
import { type Definition, loadDefinition, nameOf } from '../definition.ts'
import { lockState } from '../full.ts'
import { unwatched } from '../progress.ts'
import { resolveQuery } from '../resolve/resolve.ts'
import { dropHooks } from './hooks.ts'

/**
 * Makes an immediate stream table a differential one.
 *
 * Its sources are captured first, and that is committed. Then, in one short transaction, the hooks go: that waits for
 * every transaction that has written to a source, so what the snapshot taken afterwards shows has been applied, and what
 * it does not show is captured. The snapshot is the new frontier.
 *
 * `lent`: it is altered and made immediate again. That is written down, so that it is not forgotten when the process ends
 * before.
 */
export const LENT = 'ALTERING'

export async function isLent(queryable: Queryable, id: number): Promise<boolean> {
  const [found] = await queryable.query(sql`
    select from freshet.stream_table where stream_table_id = ${id} and mode <> 'immediate' and mode_reason = ${LENT}`)
  return found !== undefined
}

export async function disengage(context: RefreshContext, definition: Definition, lent: boolean): Promise<Definition> {
  const { database } = context
  const { id, plan } = definition
  const resolved = await resolveQuery(database, definition.definition)
  const names = plan.sources.map((source) => source.stableName)
  await whileRefused(DEFAULT_PATIENCE.patienceMs, async () => {
    await captureSources(context, resolved.facts, plan, unwatched)
    await letGo(database, definition, names, lent)
  })
  return loadDefinition(database, id)
}

async function letGo(
  database: Database,
  definition: Definition,
  names: readonly string[],
  lent: boolean,
): Promise<void> {
  const { id } = definition
  await withPatience(database, { ...DEFAULT_PATIENCE, patienceMs: 0 }, async (transaction) => {
    // Until this commits, nothing says that somebody reads what was captured just now.
    if (!(await holdCapture(transaction, names)))
      throw new FreshetError('TRANSACTION_CONFLICT', `the capture for ${nameOf(definition)} was removed meanwhile`)
    await dropHooks(transaction, definition)
    await lockState(transaction, id, true)
    await transaction.query(sql`
      update freshet.stream_table set mode = 'differential', effective_mode = 'differential',
        mode_reason = ${lent ? LENT : null}, mode_detail = ${lent ? 'it was immediate, and is to be again' : null}, altered_at = clock_timestamp()
      where stream_table_id = ${id}`)
    await transaction.query(sql`
      update freshet.stream_table_state set version = freshet.next_version(version), turn = null,
        frontier = coalesce((
          select jsonb_object_agg(name, jsonb_build_object('0', jsonb_build_object('kind', 'snapshot', 'snapshot', pg_current_snapshot()::text)))
          from unnest(${names}::text[]) name
        ), '{}')
      where stream_table_id = ${id}`)
  })
}
