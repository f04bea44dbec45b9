import { FreshetError, identifier, type Queryable, raw, sql } from '@freshet/core'
import type { PushedCompiler, QueueWindow } from '@freshet/dvm'
import { type Definition, nameOf } from '../definition.ts'
import { compilerOf } from '../differential.ts'
import { number, passQueues, passRead, readQueues, scratchesOf } from './queues.ts'

/** Refreshes of which the shards run each statement alone. How many rows of the stream table were deleted and written. */
interface Changed {
  readonly deleted: number
  readonly written: number
}

/** Brings the stream table to the transaction's snapshot, from its queues. */
export async function runPushed(transaction: Queryable, definition: Definition): Promise<Changed> {
  const windows = new Map<string, QueueWindow>()
  const queues = await readQueues(transaction, definition)
  for (const { stableName, queue, position, beside } of queues) {
    // it would be read in another snapshot than its source, or be filled no more
    if (!beside)
      throw new FreshetError('CAPTURE_BROKEN', `Citus has placed a source otherwise than its queue on the workers`)
    const [some] = await transaction.query(sql`select from ${queue} where __c > ${number(position)} limit 1`)
    if (some !== undefined) windows.set(stableName, { queue: queue.text, after: position })
  }
  if (windows.size === 0) return NOTHING
  const compiler = await onShards(definition, queues)
  const statements = compiler?.statements(windows) ?? impossible(definition)
  for (const { computes } of statements.scratches) for (const compute of computes) await transaction.query(raw(compute))
  const changed = await counted(transaction, statements.count)
  for (const statement of statements.write) await transaction.query(raw(statement))
  if (definition.emits) for (const statement of statements.emit) await transaction.query(raw(statement))
  for (const { table } of statements.scratches) await transaction.query(raw(`delete from ${table}`))
  const read = queues.filter(({ stableName }) => windows.has(stableName))
  await passRead(transaction, definition, read)
  return changed
}

/** The same by a full refresh, stage by stage: what is in the queues is in the sources. */
export async function replacePushed(transaction: Queryable, definition: Definition): Promise<Changed> {
  const compiler = await onShards(definition, await readQueues(transaction, definition))
  const replacements = compiler?.replacements() ?? impossible(definition)
  let changed = NOTHING
  for (const [i, { scratch, write, emit, count }] of replacements.entries()) {
    for (const compute of scratch.computes) await transaction.query(raw(compute))
    changed = await counted(transaction, count)
    for (const statement of write) await transaction.query(raw(statement))
    if (definition.emits && i === replacements.length - 1)
      for (const statement of emit) await transaction.query(raw(statement))
    await transaction.query(raw(`delete from ${scratch.table}`))
  }
  await passQueues(transaction, definition)
  return changed
}

const NOTHING: Changed = { deleted: 0, written: 0 }

async function counted(transaction: Queryable, count: string): Promise<Changed> {
  const [changed] = await transaction.query<Changed>(raw(count))
  return changed ?? NOTHING
}

function impossible(definition: Definition): never {
  throw new FreshetError('INTERNAL', `${nameOf(definition)} can not be refreshed on the workers`)
}

/** Null: it is not distributed, or a stage of it can not be on the shards. `sources`: all of them, with what distributes each. */
export async function onShards(
  definition: Definition,
  sources: readonly { readonly stableName: string; readonly column: string }[],
): Promise<PushedCompiler | null> {
  const { output } = definition.plan
  if (output?.kind !== 'distributed') return null
  const compiler = await compilerOf(definition)
  return compiler.onShards({
    scratches: scratchesOf(definition).map(({ text }) => text),
    distribution: new Map(sources.map(({ stableName, column }) => [stableName, column])),
    column: output.column,
    emitsTo: identifier('freshet_changes', `changes_${definition.stableName}`).text,
  })
}
