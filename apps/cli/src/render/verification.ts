import type { Verification } from '@freshet/client'
import type { Colors } from './colors.ts'
import { count, counted } from './quantity.ts'

/** `=` or `≠`; where they differ, how much, and a few of the rows. */
export function renderVerification(name: string, result: Verification, paint: Colors): string {
  const { equal, rows, extra, missing, samples } = result
  if (equal) return `${paint.green('=')} ${name}: equal to its query, ${counted(rows, 'row')}`
  const head = `${paint.red('≠')} ${name}: ${paint.bold('differs')}, ${count(extra)} only in the table, ${count(missing)} only in the query`
  const lines = samples.map(({ side, row }) =>
    side === 'extra' ? paint.red(`  table  ${row}`) : paint.green(`  query  ${row}`),
  )
  return [head, ...lines].join('\n')
}
