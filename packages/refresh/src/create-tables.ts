import { identifier, type Queryable, raw, sql } from '@freshet/core'
import type { CompiledTable } from '@freshet/dvm'
import { placeOutput } from './citus/output.ts'
import type { StoredPlan } from './definition.ts'
import { guard } from './guard.ts'

/** All of a stream table's tables, empty, where they are to be: the states of inner stages on this server. */
export async function createTables(
  transaction: Queryable,
  target: { readonly schema: string; readonly table: string },
  plan: StoredPlan,
): Promise<void> {
  for (const table of plan.tables) await createState(transaction, table)
  await placeOutput(transaction, target, plan.output)
  await guard(transaction, target, plan.output)
}

/** One of them, with its indexes. */
export async function createState(
  transaction: Queryable,
  table: Pick<CompiledTable, 'schema' | 'table' | 'create' | 'indexes'>,
): Promise<void> {
  await transaction.query(raw(table.create))
  for (const column of table.indexes) {
    await transaction.query(sql`create index on ${identifier(table.schema, table.table)} (${identifier(column)})`)
  }
}
