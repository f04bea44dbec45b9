import { type Queryable, raw } from '@freshet/core'
import type { Steps } from '@freshet/dvm'

/** Runs the steps, and tells how many rows of the stream table were written and deleted. */
export async function runSteps(
  transaction: Queryable,
  steps: Steps,
): Promise<{ readonly deleted: number; readonly written: number }> {
  for (const statement of steps.compute) await transaction.query(raw(statement))
  const rows = { deleted: 0, written: 0 }
  for (const { text, writes, output } of steps.write) {
    const [count] = await transaction.query<{ rows: number }>(raw(text))
    if (output && writes !== 'emitted') rows[writes] += count?.rows ?? 0
  }
  await transaction.query(raw(steps.discard))
  return rows
}
