import type { ReplaceStatements, Target } from './compiled.ts'
import { Chain, nested } from './print/text.ts'
import { apply } from './stage/apply.ts'
import { counts, emit } from './stage/emit.ts'
import { freshPart, freshRows, replace } from './stage/replace.ts'
import { tableName, type StateTable } from './stage/state-table.ts'
import { type Steps, stepsOf } from './steps.ts'

/**
 * The statements of a full refresh of one state table, in two forms. A statement that writes is never run by parallel
 * workers, and computing is nearly all of a long refresh: so either one statement does all, or a first one computes
 * into a temporary table, in parallel, and a second one applies the difference. The temporary table costs some
 * milliseconds of its own.
 */
export function replaceStatements(table: StateTable, fill: string, target: Target | null): ReplaceStatements {
  const scratch = 'freshet_fresh'
  const computed = `pg_temp.${scratch}`
  const build = (fresh: (chain: Chain) => string, emits: Target | null): string => {
    const chain = new Chain()
    const delta = replace(chain, table, fresh(chain))
    const applied = apply(chain, delta)
    if (emits !== null) emit(chain, delta, emits)
    return chain.statement(`select ${counts(applied)}`)
  }
  const once = (chain: Chain) => freshPart(chain, table, fill)
  const both = (fresh: (chain: Chain) => string) => ({
    quiet: build(fresh, null),
    emitting: target === null ? null : build(fresh, target),
  })
  return {
    once: both(once),
    compute: `create temporary table ${scratch} on commit drop as\n${nested(freshRows(table, fill))}`,
    apply: both(() => computed),
    discard: `drop table ${computed}`,
    ...(table.placed === 'apart'
      ? {
          placed: {
            quiet: replaceSteps(table, computed, null),
            emitting: target === null ? null : replaceSteps(table, computed, target),
          },
        }
      : {}),
  }
}

function replaceSteps(table: StateTable, fresh: string, emits: Target | null): Steps {
  const chain = new Chain()
  const delta = replace(chain, table, fresh)
  const applied = apply(chain, delta)
  if (emits !== null) emit(chain, delta, emits)
  return stepsOf({ chain, from: 0, tables: [], present: [], applied, placed: [], own: tableName(table) })
}
