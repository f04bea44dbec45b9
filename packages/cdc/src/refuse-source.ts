import { CATALOG_SCHEMA, CHANGES_SCHEMA, displayName, FreshetError } from '@freshet/core'
import { RESERVED_COLUMNS } from './capture-log.ts'
import type { SourceColumn, SourceFacts } from './source-facts.ts'

/** What can not be captured is refused before anything is touched, with the reason. */
export function refuseUnsuitable(facts: SourceFacts): void {
  const name = displayName(facts)
  if (facts.persistence === 't') throw new FreshetError('TEMPORARY_SOURCE', `${name} is a temporary table`)
  if (SYSTEM_SCHEMAS.has(facts.schema) || facts.schema.startsWith('pg_')) {
    throw new FreshetError('SYSTEM_SOURCE', `changes of ${name} can not be captured: it is not a user’s table`)
  }
  const [what, hint] = KINDS[facts.kind] ?? ['no table', 'Only tables can be captured.']
  if (facts.kind !== 'r' && facts.kind !== 'p') throw notCapturable(`${name} is ${what}`, hint)
  if (facts.persistence === 'u') {
    throw notCapturable(
      `${name} is unlogged`,
      `A crash empties an unlogged table without any trigger: alter table ${name} set logged.`,
    )
  }
  if (facts.parent !== null) {
    throw notCapturable(
      `${name} is a partition or a child of ${facts.parent}, and writes through that fire no trigger here`,
      `Read ${facts.parent} in the query, with a condition that picks the rows.`,
    )
  }
  const foreign = facts.members.find((member) => member.kind === 'f')
  if (foreign !== undefined) {
    throw notCapturable(
      `${name} has the foreign table ${displayName(foreign)} as a part`,
      'Detach it; or mode full reads it anew each time.',
    )
  }
}

/** The wanted columns with what is known of them, or the error that names the first that can not be had. */
export function wantedColumns(facts: SourceFacts, names: readonly string[]): readonly SourceColumn[] {
  const known = new Map(facts.columns.map((column) => [column.name, column]))
  return [...new Set(names)].map((name) => {
    if (RESERVED_COLUMNS.has(name)) {
      throw new FreshetError(
        'RESERVED_COLUMN_NAME',
        `${displayName(facts)} has a column ${name} that the query needs`,
        {
          hint: `Rename the column: change buffers use ${[...RESERVED_COLUMNS].join(', ')} themselves.`,
        },
      )
    }
    const column = known.get(name)
    if (column === undefined) {
      throw new FreshetError('UNKNOWN_COLUMN', `${displayName(facts)} has no column ${name}`)
    }
    return column
  })
}

export function refuseMissingRights(facts: SourceFacts): void {
  const closed = facts.members.filter((member) => !member.mayTrigger)
  if (closed.length === 0) return
  const names = closed.map(displayName).join(', ')
  throw new FreshetError('INSUFFICIENT_PRIVILEGE', `creating triggers on ${names} is not permitted`, {
    hint: `As the owner: grant trigger on ${names} to the role that Freshet connects as.`,
  })
}

const SYSTEM_SCHEMAS: ReadonlySet<string> = new Set(['information_schema', CATALOG_SCHEMA, CHANGES_SCHEMA])

const KINDS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  v: ['a view', 'Its tables can be captured; a query that reads the view is resolved to them.'],
  m: ['a materialized view', 'PostgreSQL fires no trigger when it is refreshed; mode full reads it anew each time.'],
  f: ['a foreign table', 'It changes on another server without our notice; mode full reads it anew each time.'],
  S: ['a sequence', 'Only tables can be captured.'],
}

function notCapturable(reason: string, hint: string): FreshetError {
  return new FreshetError('NOT_CAPTURABLE', `${reason}: its changes can not be captured`, { hint })
}
