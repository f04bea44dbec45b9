import { quoteLiteral } from '@freshet/core'
import type { RefreshVariant } from './compiled.ts'
import { Chain, q, withParts } from './print/text.ts'
import { type Arguments, found, maintainStages, openWindows, type RefreshPlan } from './refresh-statement.ts'
import { type Steps, stepsOf, temporary } from './steps.ts'

/**
 * A differential refresh as several statements: first `look`, which reads nothing but local tables: what waits, and the
 * lock on the state row. Then those of `steps.ts`, of which the first are the windows.
 */
export interface RefreshSteps extends Steps {
  /** One row; `go` says whether the others are to be run. */
  readonly look: string
}

export interface StepArguments {
  readonly streamTable: number
  readonly version: string
  readonly frontiers: readonly (string | null)[]
  /** The relations that are not on this server alone, but for the stream table itself. */
  readonly placed: readonly { readonly schema: string; readonly table: string }[]
}

export function refreshSteps(plan: RefreshPlan, variant: RefreshVariant, known: StepArguments): RefreshSteps {
  const given: Arguments = {
    streamTable: String(known.streamTable),
    version: quoteLiteral(known.version),
    frontier: (position) => `${quoteLiteral(known.frontiers[position] ?? '')}::pg_snapshot`,
  }
  const chain = new Chain()
  const windows = openWindows(chain, plan, variant, given)
  const opening = chain.parts.length
  const applied = maintainStages(chain, plan.stages, windows.names, variant.emits ? plan.target : null, 'through')
  const { target } = plan
  const { compute, write, discard } = stepsOf({
    chain,
    from: opening,
    tables: [...windows.names.values()],
    present: [GATE],
    applied,
    placed: known.placed.map(qualified),
    own: target.onNodes === true ? qualified(target) : null,
  })
  return {
    look: withParts(
      chain.parts.slice(0, opening),
      [
        `select set_config('freshet.apply', 'on', true) as applying,`,
        ...found(windows, given),
        `  (select go from gate) as go`,
        `from (select) one`,
      ].join('\n'),
    ),
    compute: [temporary(GATE, 'select true as go'), ...compute],
    write,
    discard,
  }
}

function qualified({ schema, table }: { readonly schema: string; readonly table: string }): string {
  return `${q(schema)}.${q(table)}`
}

const GATE = q('gate')
