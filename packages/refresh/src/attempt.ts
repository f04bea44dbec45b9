import type { Extent } from '@freshet/dvm'
import type { Definition } from './definition.ts'

/** Which of its statements a differential refresh is tried by, and which comes next where more waits than that takes. */
export interface Attempt {
  readonly extent: Extent
  /** Of `many`: stable names of the sources of which few rows are expected nevertheless. */
  readonly few: ReadonlySet<string>
}

/** A handful of rows is what waits as a rule. */
export const SMALLEST: Attempt = { extent: 'few', few: new Set() }

/** `waiting`: how many rows each source has, in order. */
export function attemptFor({ plan }: Definition, extent: Extent, waiting: readonly number[]): Attempt {
  const most = plan.refresh?.smallDeltaRows ?? 0
  const few = plan.sources.filter((_, i) => (waiting[i] ?? 0) <= most)
  return { extent, few: new Set(extent === 'many' ? few.map(({ stableName }) => stableName) : []) }
}

/** After one that was over. What was counted may be less than there is, and then the next says so. Null: there is none. */
export function wider(definition: Definition, { extent, few }: Attempt, waiting: readonly number[]): Attempt | null {
  if (extent === 'churned') return null
  const next = attemptFor(definition, 'many', waiting)
  const grown = [...few].some((source) => !next.few.has(source))
  return extent === 'few' || grown ? next : attemptFor(definition, 'churned', waiting)
}
