import { type Fragment, identifier, raw, sql } from '@freshet/core'
import { captureFunctionName } from './capture-names.ts'

/**
 * The triggers on a source and on each of its partitions and children. A statement fires those of the table that it
 * names and of no other, with all the rows it touched, in partitions too: so each has its own and nothing is doubled.
 *
 * `create or replace` takes SHARE ROW EXCLUSIVE, which waits for every transaction that has written to the table, and
 * needs the TRIGGER right only. An UPDATE needs no trigger as long as no column is captured.
 */
interface TriggerShape {
  readonly name: string
  readonly event: string
  readonly transition: string
}

const SHAPES: readonly TriggerShape[] = [
  { name: 'freshet_insert', event: 'insert', transition: 'referencing new table as __new' },
  { name: 'freshet_update', event: 'update', transition: 'referencing old table as __old new table as __new' },
  { name: 'freshet_delete', event: 'delete', transition: 'referencing old table as __old' },
  { name: 'freshet_truncate', event: 'truncate', transition: '' },
]

/** The names as they are on a table: several sources can hang on one (a partition's and its parent's). */
export function triggerNames(stableName: string, columnCount: number): readonly string[] {
  return shapes(columnCount).map(({ name }) => `${name}_${stableName}`)
}

export function createTriggers(
  stableName: string,
  relation: { readonly schema: string; readonly table: string },
  columnCount: number,
): readonly Fragment[] {
  return shapes(columnCount).map(
    ({ name, event, transition }) => sql`create or replace trigger ${identifier(`${name}_${stableName}`)}
      after ${raw(event)} on ${identifier(relation.schema, relation.table)} ${raw(transition)}
      for each statement execute function ${captureFunctionName(stableName)}()`,
  )
}

function shapes(columnCount: number): readonly TriggerShape[] {
  return columnCount === 0 ? SHAPES.filter(({ event }) => event !== 'update') : SHAPES
}
