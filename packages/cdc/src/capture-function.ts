import { type Fragment, literal, sql } from '@freshet/core'
import { captureBody } from './capture-body.ts'
import { captureFunctionName } from './capture-names.ts'
import type { SourceColumn } from './source-facts.ts'

/**
 * The trigger function of a source: PL/pgSQL, run with the rights of whoever installed it, so that writers need none
 * on Freshet's schemas. Its search_path holds nothing that a user can write to, temporary objects come last and never
 * serve as functions or operators: nobody can have their code run with its owner's rights.
 *
 * Executing it is nobody's right but the owner's: firing a trigger needs none, and nobody else may hang it on a table.
 */
export function createCaptureFunction(stableName: string, columns: readonly SourceColumn[]): readonly Fragment[] {
  const name = captureFunctionName(stableName)
  return [
    sql`create or replace function ${name}() returns trigger
      language plpgsql security definer set search_path = pg_catalog, pg_temp
      as ${literal(captureBody(stableName, columns).text)}`,
    sql`revoke all on function ${name}() from public`,
  ]
}

/** Takes along the triggers that call it, on whatever tables they are, and needs no right on those. */
export function dropCaptureFunction(stableName: string): Fragment {
  return sql`drop function if exists ${captureFunctionName(stableName)}() cascade`
}
