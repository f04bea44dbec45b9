import type { Explanation } from '@freshet/client'
import type { Colors } from './colors.ts'
import { facts } from './table.ts'

/** How a stream table, or a query that may become one, is kept fresh: for a reader. */
export function explanationText(explanation: Explanation, paint: Colors): string {
  const { name, effectiveMode, reason, storage, keyColumns, plan, statements } = explanation
  return `${facts(
    [
      ['stream table', name],
      ['maintained', effectiveMode === 'differential' ? paint.green('by deltas') : paint.yellow('by recomputing')],
      ['because', reason === null ? null : `${reason.code}: ${reason.detail}`],
      ['hint', reason === null ? null : reason.hint],
      ['storage', keyColumns.length === 0 ? storage : `${storage} by ${keyColumns.join(', ')}`],
      ['statements', Object.keys(statements).join(', ') || null],
    ],
    paint,
  )}\n\n${plan.trimEnd()}`
}

export function statementsText(
  statements: Readonly<Record<string, string>>,
  format: (statement: string) => string,
  paint: Colors,
): string {
  return Object.entries(statements)
    .map(([name, statement]) => `${paint.dim(`-- ${name}`)}\n${format(statement).replace(/;\s*$/, '')};`)
    .join('\n\n')
}
