import { quoteLiteral } from '@freshet/core'
import type { RefreshVariant } from './compiled.ts'
import { Chain, nested, type Part, q, withParts, type Writes } from './print/text.ts'
import { type Arguments, found, maintainStages, openWindows, type RefreshPlan } from './refresh-statement.ts'
import { MOST_CHARACTERS } from './unsupported.ts'

/**
 * A differential refresh as several statements, for one transaction whose snapshot does not move. Citus refuses a
 * statement that writes and reads tables of other nodes, or takes it apart in an order of its own; here the order is ours:
 *
 *   look      what waits, and the lock on the state row: nothing but local tables
 *   compute   windows, and then what each stage has to change, into temporary tables: here the sources are read
 *   write     from these into the state tables; only now, because until here they were read as they were before
 *   discard   the temporary tables
 *
 * A part that reads a table of `placed` is a temporary table as well, so that Citus plans that part alone, and PostgreSQL all
 * that is above it.
 */
export interface RefreshSteps {
  /** One row; `go` says whether the others are to be run. */
  readonly look: string
  readonly compute: readonly string[]
  readonly write: readonly { readonly text: string; readonly writes: Writes; readonly output: boolean }[]
  readonly discard: string
}

export interface StepArguments {
  readonly streamTable: number
  readonly version: string
  readonly frontiers: readonly (string | null)[]
  /** The relations that are not on this server alone. */
  readonly placed: readonly { readonly schema: string; readonly table: string }[]
}

export function refreshSteps(plan: RefreshPlan, variant: RefreshVariant, known: StepArguments): RefreshSteps {
  const given: Arguments = {
    streamTable: String(known.streamTable),
    version: quoteLiteral(known.version),
    frontier: (position) => `${quoteLiteral(known.frontiers[position] ?? '')}::pg_snapshot`,
  }
  const chain = new Chain(MOST_CHARACTERS)
  const windows = openWindows(chain, plan, variant, given)
  const opening = chain.parts.length
  const applied = maintainStages(chain, plan.stages, windows.names, variant.emits ? plan.target : null)
  const parts = chain.parts
  const names = known.placed.map(({ schema, table }) => `${q(schema)}.${q(table)}`)
  const elsewhere = parts
    .slice(opening)
    .filter(({ body, writes }) => writes === null && names.some((name) => body.includes(name)))
  const computed = [...windows.names.values(), ...elsewhere.map(({ name }) => name), ...chain.computed]
  const tables = new Set([...computed, GATE])
  const write = parts.flatMap(({ name, body, writes }) =>
    writes === null
      ? []
      : [
          {
            text: withParts(
              [...needed(parts, body, tables), { name: WRITTEN, body, hint: '', writes }],
              `select count(*)::float8 as rows from ${WRITTEN}`,
            ),
            writes,
            output: applied !== null && [applied.deleted, ...applied.written].includes(name),
          },
        ],
  )
  return {
    look: withParts(
      parts.slice(0, opening),
      [
        `select set_config('freshet.apply', 'on', true) as applying,`,
        ...found(windows, given),
        `  (select go from gate) as go`,
        `from (select) one`,
      ].join('\n'),
    ),
    compute: [
      temporary(GATE, 'select true as go'),
      ...parts
        .filter(({ name }) => computed.includes(name))
        .map(({ name, body }) =>
          temporary(name, withParts(needed(parts, body, tables, name), `select * from ${nested(body)} computed`)),
        ),
    ],
    write,
    discard: `drop table ${[...tables].map((name) => `pg_temp.${name}`).join(', ')}`,
  }
}

const GATE = q('gate')

const WRITTEN = q('__rows_written')

function temporary(name: string, query: string): string {
  return `create temporary table ${name} on commit drop as\n${query}`
}

/** The parts that `body` names, and those that they name, but for what is in tables. A name that only looks so does no harm. */
function needed(
  parts: readonly Part[],
  body: string,
  tables: ReadonlySet<string>,
  before: string | null = null,
): readonly Part[] {
  const found: Part[] = []
  let text = body
  const end = before === null ? parts.length : parts.findIndex(({ name }) => name === before)
  for (const part of parts.slice(0, end).toReversed()) {
    if (tables.has(part.name) || part.writes !== null || !text.includes(part.name)) continue
    found.unshift(part)
    text += part.body
  }
  return found
}
