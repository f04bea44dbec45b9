import type { Target } from '../compiled.ts'
import { q, type Chain } from '../print/text.ts'
import { emitted, type Applied } from './apply.ts'
import type { StageDelta } from './stage.ts'

/** The stream table's own change rows, for those who consume it. */
export function emit(chain: Chain, delta: StageDelta, target: Target): void {
  const columns = delta.visible.map(q)
  chain.add(
    'emitted',
    [
      `insert into freshet_changes.${q(`changes_${target.stableName}`)} (${[...columns, '__w'].join(', ')})`,
      emitted(delta, delta.visible),
      'returning 1',
    ].join('\n'),
    { writes: 'emitted' },
  )
}

/** How many rows a refresh wrote and removed, as columns of its answer. */
export function counts(applied: Applied | null): string {
  if (applied === null) return `0::float8 as rows_inserted,\n  0::float8 as rows_deleted`
  return `(${writtenCount(applied)})::float8 as rows_inserted,\n  (select count(*) from ${applied.deleted})::float8 as rows_deleted`
}

export function writtenCount(applied: Applied): string {
  return applied.written.map((part) => `(select count(*) from ${part})`).join(' + ')
}
