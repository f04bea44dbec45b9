import { FreshetError, identifier, type Queryable, raw, sql } from '@freshet/core'
import type { PushedStatements, QueueWindow } from '@freshet/dvm'
import { type Definition, nameOf } from '../definition.ts'
import { compilerOf } from '../differential.ts'
import { number, passRead, readQueues, scratchOf } from './queues.ts'

/** Brings the stream table to the transaction's snapshot, from its queues: each statement is run by the shards alone. */
export async function runPushed(
  transaction: Queryable,
  definition: Definition,
): Promise<{ readonly deleted: number; readonly written: number }> {
  const nothing = { deleted: 0, written: 0 }
  const windows = new Map<string, QueueWindow>()
  const queues = await readQueues(transaction, definition)
  for (const { stableName, queue, position, beside } of queues) {
    // it would be read in another snapshot than its source, or be filled no more
    if (!beside)
      throw new FreshetError('CAPTURE_BROKEN', `Citus has placed a source otherwise than its queue on the workers`)
    const [some] = await transaction.query(sql`select from ${queue} where __c > ${number(position)} limit 1`)
    if (some !== undefined) windows.set(stableName, { queue: queue.text, after: position })
  }
  if (windows.size === 0) return nothing
  const statements = await pushedOf(definition, windows)
  if (statements === null)
    throw new FreshetError('INTERNAL', `${nameOf(definition)} can not be refreshed on the workers`)
  await transaction.query(raw(statements.compute))
  const [count] = await transaction.query<{ written: number; deleted: number }>(raw(statements.count))
  for (const statement of statements.write) await transaction.query(raw(statement))
  if (definition.emits) for (const statement of statements.emit) await transaction.query(raw(statement))
  await transaction.query(sql`delete from ${scratchOf(definition)}`)
  const read = queues.filter(({ stableName }) => windows.has(stableName))
  await passRead(transaction, definition, read)
  return count ?? nothing
}

/** By stable name, for the sources that have changed. Null: not of this query. */
export async function pushedOf(
  definition: Definition,
  queues: ReadonlyMap<string, QueueWindow>,
): Promise<PushedStatements | null> {
  const { output } = definition.plan
  if (output?.kind !== 'distributed') return null
  const compiler = await compilerOf(definition)
  return compiler.pushed({
    queues,
    scratch: scratchOf(definition).text,
    distributedBy: output.column,
    emitsTo: identifier('freshet_changes', `changes_${definition.stableName}`).text,
  })
}
