import type { Attempt } from './attempt.ts'
import { fewChangesAreSlow } from './choose.ts'
import type { Experience } from './cost-model.ts'
import type { Definition } from './definition.ts'
import { withoutReadersOfOthers } from './group.ts'

/** What a process remembers of a stream table between its refreshes. */
export interface Known {
  readonly definition: Definition
  readonly experience: Experience
  /** That of the last refresh: most likely as many change rows will wait again. */
  readonly attempt: Attempt
  /** Stable names of the sources that changed last: most likely the same change next. */
  readonly changed: ReadonlySet<string>
  /** The statement for small deltas of these sources has run: it is planned, and its time is worth remembering. */
  readonly warm: boolean
  /** The last refresh found nothing to do: most likely the next does too, and a small question tells. */
  readonly idle: boolean
}

/** Its last refresh was a small one, and so will the next be. Only AUTO would choose another where small ones are slow. */
function isQuick({ definition, attempt, warm, idle, experience }: Known): boolean {
  const { mode, unit, stateBehind } = definition
  return (
    mode !== 'immediate' &&
    unit === null &&
    !stateBehind &&
    attempt.extent === 'few' &&
    warm &&
    !idle &&
    !(mode === 'auto' && fewChangesAreSlow(experience, definition.plan.answer !== undefined))
  )
}

/** The first one and those that can be refreshed in one go with it; none that reads one of the others left out. */
export function quickOnes(
  head: Known,
  along: readonly number[],
  known: ReadonlyMap<number, Known>,
): readonly Definition[] {
  if (!isQuick(head)) return []
  const members = [head]
  for (const id of along) {
    const each = known.get(id)
    if (each === undefined) break
    members.push(each)
  }
  const quick = new Set(members.filter(isQuick).map(({ definition }) => definition))
  return withoutReadersOfOthers(
    members.map(({ definition }) => definition),
    (definition) => quick.has(definition),
  )
}

export const NONE: ReadonlySet<string> = new Set()

export function waitingSources({ plan }: Definition, waiting: readonly number[]): ReadonlySet<string> {
  return new Set(plan.sources.flatMap((source, i) => ((waiting[i] ?? 0) > 0 ? [source.stableName] : [])))
}
