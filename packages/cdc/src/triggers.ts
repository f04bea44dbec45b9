import { type Fragment, identifier, raw, sql } from '@freshet/core'
import { capturedEvents, type CaptureEvent, captureFunctionName } from './capture-names.ts'

/**
 * The triggers on a source and on each of its partitions and children. A statement fires those of the table that it
 * names and of no other, with all the rows it touched, in partitions too: so each has its own and nothing is doubled.
 *
 * `create or replace` takes SHARE ROW EXCLUSIVE, which waits for every transaction that has written to the table, and
 * needs the TRIGGER right only.
 */
const TRANSITIONS: Readonly<Record<CaptureEvent, string>> = {
  insert: 'referencing new table as __new',
  update: 'referencing old table as __old new table as __new',
  delete: 'referencing old table as __old',
  truncate: '',
}

/** The names as they are on a table: several sources can hang on one (a partition's and its parent's). */
export function triggerNames(stableName: string, columnCount: number): readonly string[] {
  return capturedEvents(columnCount).map((event) => triggerName(event, stableName))
}

export function createTriggers(
  stableName: string,
  relation: { readonly schema: string; readonly table: string },
  columnCount: number,
): readonly Fragment[] {
  return capturedEvents(columnCount).map(
    (event) => sql`create or replace trigger ${identifier(triggerName(event, stableName))}
      after ${raw(event)} on ${identifier(relation.schema, relation.table)} ${raw(TRANSITIONS[event])}
      for each statement execute function ${captureFunctionName(event, stableName)}()`,
  )
}

function triggerName(event: CaptureEvent, stableName: string): string {
  return `freshet_${event}_${stableName}`
}
