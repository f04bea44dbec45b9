import type { Freshet } from '@freshet/client'
import type { Command } from 'commander'
import type { Scheduler, SchedulerOptions } from '@freshet/scheduler'
import type { ExitCode } from './exit-code.ts'
import { usageError } from './problem.ts'
import { colors, type Colors } from './render/colors.ts'
import type { Terminal } from './terminal.ts'

/** What a command may use: the terminal, and the two doors to the product. `main.ts` opens them. */
export interface Cli {
  readonly terminal: Terminal
  connect(databaseUrl: string): Promise<Freshet>
  startScheduler(options: SchedulerOptions): Promise<Scheduler>
  /** What the process will answer. A command that ends well but found something sets it. */
  exitCode: ExitCode
}

/** Options that every command has. */
export interface GlobalOptions {
  readonly databaseUrl?: string
  readonly json?: boolean
}

export function globalOptions(command: Command): GlobalOptions {
  return command.optsWithGlobals<GlobalOptions>()
}

export function databaseUrl(cli: Cli, command: Command): string {
  const [url = '', ...others] = databaseUrls(cli, command)
  if (others.length === 0) return url
  throw usageError('several databases were given', 'Only `freshet serve` takes several.')
}

/** At least one. The option may be repeated, and the variable have spaces between several. */
export function databaseUrls(cli: Cli, command: Command): readonly string[] {
  const text = globalOptions(command).databaseUrl ?? cli.terminal.env['DATABASE_URL'] ?? ''
  const urls = text.split(/\s+/).filter((url) => url !== '')
  if (urls.length > 0) return urls
  throw usageError(
    'no database was given',
    'Give --database-url postgresql://user@host/database, or set DATABASE_URL. `freshet postgres` starts a server to try things on.',
  )
}

/** Lends a connection to `work` and closes it in any case. */
export async function withFreshet<T>(cli: Cli, command: Command, work: (freshet: Freshet) => Promise<T>): Promise<T> {
  const freshet = await cli.connect(databaseUrl(cli, command))
  try {
    return await work(freshet)
  } finally {
    await freshet.close()
  }
}

/** The answer, on standard output: one JSON document, or text for a human. */
export function answer(cli: Cli, command: Command, document: unknown, human: (paint: Colors) => string): void {
  const { out } = cli.terminal
  out.write(globalOptions(command).json ? `${JSON.stringify(document)}\n` : `${human(colors(out, cli.terminal.env))}\n`)
}

/** Something worth knowing beside the answer, on standard error; a JSON answer holds it already. */
export function notice(cli: Cli, command: Command, text: (paint: Colors) => string): void {
  const { err } = cli.terminal
  if (!globalOptions(command).json) err.write(`${text(colors(err, cli.terminal.env))}\n`)
}
