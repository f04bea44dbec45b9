import { CommanderError } from 'commander'
import type { Cli } from './cli.ts'
import { EXIT, type ExitCode } from './exit-code.ts'
import { exitCodeOf, problem, renderProblem, usageError } from './problem.ts'
import { program } from './program.ts'
import { colors } from './render/colors.ts'

/** One command line, from its words to its exit code. Everything that goes wrong is told here and nowhere else. */
export async function run(words: readonly string[], world: Omit<Cli, 'exitCode'>): Promise<ExitCode> {
  const cli: Cli = { ...world, exitCode: EXIT.done }
  try {
    if (words.length === 0) throw usageError('no command was given', '`freshet help` lists the commands.')
    await program(cli).parseAsync(words, { from: 'user' })
    return cli.exitCode
  } catch (error) {
    // `--help` and `--version` end by an exception, too.
    if (error instanceof CommanderError && error.exitCode === 0) return EXIT.done
    tell(cli, words, error)
    return exitCodeOf(error)
  }
}

function tell({ terminal: { err, env } }: Cli, words: readonly string[], error: unknown): void {
  const told = problem(error)
  err.write(words.includes('--json') ? `${JSON.stringify(told)}\n` : `${renderProblem(told, colors(err, env))}\n`)
}
