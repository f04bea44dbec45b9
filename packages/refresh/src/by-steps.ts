import { FreshetError, type Queryable, raw, type RefreshOptions, sql } from '@freshet/core'
import { EXTENTS, type RefreshSteps } from '@freshet/dvm'
import { announceOnNodes } from './citus/output.ts'
import { runPushed } from './citus/run-pushed.ts'
import { type Definition, nameOf } from './definition.ts'
import { compilerOf, PLANNING, type StatementResult } from './differential.ts'
import { runSteps } from './run-steps.ts'
import { settingsStatement } from './sessions.ts'

/**
 * A differential refresh of what reads tables of other nodes, in a REPEATABLE READ transaction into which their changes
 * have been collected: several statements in the place of one, and the same answer as that would give.
 */
export async function bySteps(
  transaction: Queryable,
  member: Definition,
  options: RefreshOptions,
): Promise<StatementResult> {
  await transaction.query(settingsStatement([...Object.entries(member.settings), ...PLANNING]))
  const compiler = await compilerOf(member)
  const changed = new Set(member.plan.sources.map((source) => source.stableName))
  const known = {
    streamTable: member.id,
    version: member.version,
    frontiers: member.snapshots,
    placed: member.plan.sources.filter(({ stableName }) => member.placed.includes(stableName)),
  }
  let last: StatementResult | undefined
  for (const extent of EXTENTS) {
    const steps = compiler.steps({ changed, extent, emits: member.emits }, known)
    const [look] = await transaction.query<Look>(raw(steps.look))
    if (look === undefined) throw new FreshetError('INTERNAL', `a refresh of ${nameOf(member)} answered nothing`)
    if (look.go) return run(transaction, member, steps, look, options)
    last = { ...look, done: false, rows_inserted: 0, rows_deleted: 0, snapshot: '', version: member.version }
    if (!look.over || look.truncated || look.forced || look.changed) break
  }
  if (last === undefined) throw new FreshetError('INTERNAL', `a refresh of ${nameOf(member)} was not tried`)
  return last
}

type Look = Pick<
  StatementResult,
  'held' | 'pending' | 'truncated' | 'over' | 'waiting' | 'others' | 'forced' | 'changed' | 'change_rows'
> & { readonly go: boolean }

async function run(
  transaction: Queryable,
  member: Definition,
  steps: RefreshSteps,
  look: Look,
  options: RefreshOptions,
): Promise<StatementResult> {
  await announceOnNodes(transaction, member.plan)
  const rows = member.pushed.length > 0 ? await runPushed(transaction, member) : await runSteps(transaction, steps)
  const [recorded] = await transaction.query<{ version: string; snapshot: string }>(sql`
    with advanced as (
      update freshet.stream_table_state s
      set version = freshet.next_version(s.version), refreshed_at = clock_timestamp(), consecutive_errors = 0,
        last_error = null, retry_at = null
      where s.stream_table_id = ${member.id} returning s.version::text as version
    ),
    entry as (
      insert into freshet.refresh_history (stream_table_id, started_at, action, initiated_by, change_rows, rows_inserted, rows_deleted)
      values (${member.id}, transaction_timestamp(), 'differential', ${options.initiatedBy ?? 'manual'},
        ${look.change_rows}::bigint, ${rows.written}::bigint, ${rows.deleted}::bigint)
    )
    select version, pg_current_snapshot()::text as snapshot from advanced`)
  if (recorded === undefined) throw new FreshetError('INTERNAL', `${nameOf(member)} has no state`)
  return { ...look, done: true, rows_inserted: rows.written, rows_deleted: rows.deleted, ...recorded }
}
