import type { Finding } from '@freshet/client'
import type { Colors } from './colors.ts'
import { counted } from './quantity.ts'

const LEVELS = ['error', 'warning', 'ok'] as const

/** The worst first; each with what to do about it. */
export function findingList(findings: readonly Finding[], paint: Colors): string {
  const mark = { error: paint.red('error  '), warning: paint.yellow('warning'), ok: paint.green('ok     ') }
  const lines = LEVELS.flatMap((level) => findings.filter((finding) => finding.level === level)).map(
    ({ level, subject, message, hint }) =>
      `${mark[level]}  ${paint.bold(subject)}: ${message}${hint === null ? '' : `\n         ${paint.cyan('hint')}: ${hint}`}`,
  )
  const errors = findings.filter((finding) => finding.level === 'error').length
  const warnings = findings.filter((finding) => finding.level === 'warning').length
  const sum = errors + warnings === 0 ? 'All is well.' : `${counted(errors, 'error')}, ${counted(warnings, 'warning')}.`
  return [...lines, sum].join('\n')
}
