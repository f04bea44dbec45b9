import { CHANGES_SCHEMA, type Fragment, isSharded, literal, type Placement, sql } from '@freshet/core'
import { captureBody } from './capture-body.ts'
import { CAPTURE_EVENTS, capturedEvents, type CaptureEvent, captureFunctionName } from './capture-names.ts'
import { hasSameText } from './citus/key-text.ts'
import { placedBody } from './citus/shard-body.ts'
import { createKeptFunctions } from './kept-value.ts'
import type { SourceColumn } from './source-facts.ts'

/**
 * The trigger functions of a source: PL/pgSQL, run with the rights of whoever installed them, so that writers need none
 * on Freshet's schemas. Nobody can have their own code run with those rights: either every name and operator is
 * qualified, or it is looked up in a search_path that holds nothing that a user can write to, in which temporary objects
 * come last and never serve as functions or operators. Such a path for the function as a whole costs a single-row
 * statement three points of its throughput, so the body sets it where many rows are at hand.
 *
 * Executing them is nobody's right but the owner's: firing a trigger needs none, and nobody else may hang it on a table.
 */
export function createCaptureFunctions(
  stableName: string,
  placement: Placement,
  columns: readonly SourceColumn[],
): readonly Fragment[] {
  const body = (event: CaptureEvent) =>
    placement.kind === 'local'
      ? captureBody(event, stableName, columns)
      : placedBody(event, stableName, placement, columns)
  return [
    ...createKeptFunctions(stableName, columns),
    ...capturedEvents(columns.length).flatMap((event) =>
      createFunction(event, stableName, body(event).text, settings(placement, columns)),
    ),
  ]
}

/** The same functions while the gate is shut: they return at once. */
export function createShutFunctions(stableName: string, columnCount: number): readonly Fragment[] {
  return capturedEvents(columnCount).flatMap((event) =>
    createFunction(event, stableName, ' begin return null; end ', sql``),
  )
}

/**
 * On a shard that has to be looked for, the plans for the first statements of a session would be made anew for each, five
 * times for every shard, and come out alike: that is two milliseconds a shard.
 */
function settings(placement: Placement, columns: readonly SourceColumn[]): Fragment {
  if (isSharded(placement) && !hasSameText(placement)) return sql`${OWN_PATH} set plan_cache_mode = force_generic_plan`
  return namesNothing(columns) ? sql`` : OWN_PATH
}

const OWN_PATH = sql`set search_path = pg_catalog, pg_temp`

/** The expression of a generated column names what it likes. */
function namesNothing(columns: readonly SourceColumn[]): boolean {
  return columns.every(({ expression }) => expression === null)
}

function createFunction(event: CaptureEvent, stableName: string, body: string, options: Fragment): readonly Fragment[] {
  const name = captureFunctionName(event, stableName)
  return [
    sql`create or replace function ${name}() returns trigger language plpgsql security definer ${options} as ${literal(body)}`,
    sql`revoke all on function ${name}() from public`,
  ]
}

/** Takes along the triggers that call them, on whatever tables they are, and needs no right on those. */
export function dropCaptureFunctions(stableName: string): Fragment {
  // `capture_…` alone: versions before had one function for all events
  const names = ['capture', ...CAPTURE_EVENTS.map((event) => `capture_${event}`)]
  const body = sql`
declare
  dropped regprocedure;
begin
  for dropped in
    select oid from pg_proc where pronamespace = to_regnamespace(${literal(CHANGES_SCHEMA)})
      and proname ~ ${literal(`^(${names.join('|')}|kept_[0-9]+)_${stableName}$`)}
  loop
    execute format('drop function %s cascade', dropped);
  end loop;
end`
  return sql`do ${literal(body.text)}`
}
