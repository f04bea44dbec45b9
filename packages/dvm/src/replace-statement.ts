import type { Target } from './compiled.ts'
import { Chain } from './print/text.ts'
import { apply } from './stage/apply.ts'
import { counts, emit } from './stage/emit.ts'
import { replace } from './stage/replace.ts'
import type { StateTable } from './stage/state-table.ts'

/** The statement of a full refresh of one state table. */
export function replaceStatement(table: StateTable, fill: string, target: Target | null): string {
  const chain = new Chain()
  const delta = replace(chain, table, fill)
  const applied = apply(chain, delta)
  if (target !== null) emit(chain, delta, target)
  return chain.statement(`select ${counts(applied)}`)
}
