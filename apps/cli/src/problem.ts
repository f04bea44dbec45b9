import { FreshetError, toFreshetError } from '@freshet/core'
import { CommanderError } from 'commander'
import { EXIT, type ExitCode } from './exit-code.ts'
import type { Colors } from './render/colors.ts'

/** An error as it is told: the same fields to a human and in JSON, always all of them. */
export interface Problem {
  readonly code: string
  readonly message: string
  readonly detail: string | null
  readonly hint: string | null
  readonly sqlState: string | null
}

/** The command line itself is wrong. */
export function usageError(message: string, hint: string): FreshetError {
  return new FreshetError('USAGE', message, { hint })
}

export function problem(error: unknown): Problem {
  const { code, message, detail, hint, sqlState } = freshetError(error)
  return { code, message, detail: detail ?? null, hint: hint ?? null, sqlState: sqlState ?? null }
}

export function exitCodeOf(error: unknown): ExitCode {
  return freshetError(error).code === 'USAGE' ? EXIT.usage : EXIT.failed
}

export function renderProblem({ code, message, detail, hint }: Problem, paint: Colors): string {
  const lines = [`${paint.red('error')} ${paint.bold(code)}: ${message}`]
  if (detail) lines.push(detail)
  if (hint) lines.push(`${paint.cyan('hint')}: ${hint}`)
  return lines.join('\n')
}

function freshetError(error: unknown): FreshetError {
  if (error instanceof CommanderError) return wrongCommandLine(error)
  if (error instanceof FreshetError) return error
  // Not one of ours: whoever mends it needs to know where it came from.
  const { code, message } = toFreshetError(error)
  return new FreshetError(code, message, { detail: error instanceof Error ? error.stack : undefined, cause: error })
}

/** Commander says `error: …`, what was probably meant on a line of its own, and what is allowed in a sentence of its own. */
function wrongCommandLine(error: CommanderError): FreshetError {
  if (error.code === 'commander.help')
    return usageError('there is no such command', '`freshet help` lists the commands.')
  const [first = '', ...rest] = error.message.replace(/^error: /, '').split('\n')
  const [message = '', allowed] = first.split(/(?<= is invalid)\. /)
  const meant = rest.join(' ').replace(/^\((.*)\)$/, '$1')
  return usageError(message, allowed ?? (meant || 'Run the command with --help to see its usage.'))
}
