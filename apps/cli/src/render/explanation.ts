import type { Explanation } from '@freshet/client'
import type { Colors } from './colors.ts'
import { decisionText } from './decision.ts'
import { count, instant } from './quantity.ts'
import { modeLabel, paintStatus } from './stream-table.ts'
import { facts } from './table.ts'

/** How a stream table, or a query that may become one, is kept fresh: for a reader. */
export function explanationText(explanation: Explanation, paint: Colors): string {
  const { name, effectiveMode, reason, storage, keyColumns, plan, state, nextFull, statements } = explanation
  const parts = [
    facts(
      [
        ['stream table', name],
        ['mode', modeLabel(explanation)],
        ['maintained', maintainedText(effectiveMode, paint)],
        ['because', reason === null ? null : `${reason.code}: ${reason.detail}`],
        ['hint', reason === null ? null : reason.hint],
        ['next', nextFull === null ? null : paint.yellow(`in full, ${nextFull.code}: ${nextFull.hint ?? ''}`)],
        [
          'status',
          state && paintStatus(state.status, paint) + (state.statusReason === null ? '' : `: ${state.statusReason}`),
        ],
        ['refreshed', state?.refreshedAt ? `${instant(state.refreshedAt)} UTC` : null],
        ['last choice', state?.decision ? decisionText(state.decision) : null],
        ['storage', keyColumns.length === 0 ? storage : `${storage} by ${keyColumns.join(', ')}`],
        ['statements', Object.keys(statements).join(', ') || null],
      ],
      paint,
    ),
    plan.trimEnd(),
    stagesText(explanation, paint),
    missingText(explanation, paint),
  ]
  return parts.filter((part) => part !== '').join('\n\n')
}

function maintainedText(mode: Explanation['effectiveMode'], paint: Colors): string {
  if (mode === 'full') return paint.yellow('by recomputing')
  return paint.green(mode === 'immediate' ? "by deltas, in its writers' transactions" : 'by deltas')
}

function stagesText({ stages }: Explanation, paint: Colors): string {
  const lines = stages.map(({ table, columns, rows, bytes }) => {
    const size = rows === null || bytes === null ? '' : paint.dim(`  about ${count(rows)} rows, ${kilobytes(bytes)}`)
    return `  ${table} (${columns.join(', ')})${size}`
  })
  return [paint.bold('kept in'), ...lines].join('\n')
}

/** What would make its refreshes cheaper, ready to be run. */
function missingText({ missingIndexes }: Explanation, paint: Colors): string {
  if (missingIndexes.length === 0) return ''
  const lines = missingIndexes.map(
    ({ statement, operators }) => `  ${statement}  ${paint.dim(`-- ${operators.join(', ')}`)}`,
  )
  return [paint.yellow('missing indexes: without them a refresh reads whole tables'), ...lines].join('\n')
}

function kilobytes(bytes: number): string {
  return `${count(Math.ceil(bytes / 1024))} kB`
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
