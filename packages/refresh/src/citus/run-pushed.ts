import { FreshetError, identifier, type Queryable, raw, shardQueue, sql } from '@freshet/core'
import type { PushedStatements } from '@freshet/dvm'
import { type Definition, nameOf } from '../definition.ts'
import { compilerOf } from '../differential.ts'
import { emptyQueues, scratchOf } from './queues.ts'

/** Brings the stream table to the transaction's snapshot, from its queues: each statement is run by the shards alone. */
export async function runPushed(
  transaction: Queryable,
  definition: Definition,
): Promise<{ readonly deleted: number; readonly written: number }> {
  const nothing = { deleted: 0, written: 0 }
  const changed = new Set<string>()
  for (const name of definition.pushed) {
    await requireBeside(transaction, definition, name)
    const [some] = await transaction.query(sql`select from ${shardQueue(definition.id, name)} limit 1`)
    if (some !== undefined) changed.add(name)
  }
  if (changed.size === 0) return nothing
  const statements = await pushedOf(definition, changed)
  if (statements === null)
    throw new FreshetError('INTERNAL', `${nameOf(definition)} can not be refreshed on the workers`)
  await transaction.query(raw(statements.compute))
  const [count] = await transaction.query<{ written: number; deleted: number }>(raw(statements.count))
  for (const statement of statements.write) await transaction.query(raw(statement))
  if (definition.emits) for (const statement of statements.emit) await transaction.query(raw(statement))
  await transaction.query(sql`delete from ${scratchOf(definition)}`)
  await emptyQueues(transaction, { id: definition.id, pushed: [...changed] })
  return count ?? nothing
}

/** For the sources that have changed. Null: not of this query. */
export async function pushedOf(definition: Definition, changed: ReadonlySet<string>): Promise<PushedStatements | null> {
  const { output } = definition.plan
  if (output?.kind !== 'distributed') return null
  const compiler = await compilerOf(definition)
  return compiler.pushed({
    queues: new Map([...changed].map((name) => [name, shardQueue(definition.id, name).text])),
    scratch: scratchOf(definition).text,
    distributedBy: output.column,
    emitsTo: identifier('freshet_changes', `changes_${definition.stableName}`).text,
  })
}

/** A source that is placed otherwise than its queue would be read in another snapshot, or fill it no more. */
async function requireBeside(transaction: Queryable, { id, plan }: Definition, name: string): Promise<void> {
  const oid = plan.sources.find(({ stableName }) => stableName === name)?.oid ?? 0
  const [row] = await transaction.query<{ beside: boolean }>(
    sql`select count(*) = 2 and count(distinct colocationid) = 1 as beside from pg_catalog.pg_dist_partition
      where logicalrelid in (${oid}::oid, to_regclass(${shardQueue(id, name).text}))`,
    { prepared: true },
  )
  if (row?.beside !== true)
    throw new FreshetError('CAPTURE_BROKEN', `Citus has placed a source otherwise than its queue on the workers`)
}
