import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'
import { renderVerification } from '../render/verification.ts'
import { examples } from './examples.ts'
import { attemptEach, renderAttempts, reportOf, selectedNames, selection } from './selection.ts'

export function verify(program: Command, cli: Cli): void {
  const command = program
    .command('verify')
    .description('refresh stream tables and compare each with its query in one snapshot; exits with 3 on a difference')
    .argument('[name...]', 'the stream tables')
    .option('--all', 'every stream table')
    .action(async (names: readonly string[], { all }: { readonly all?: boolean }, command: Command) => {
      const chosen = selection(names, all)
      const attempts = await withFreshet(cli, command, async (freshet) =>
        attemptEach(await selectedNames(freshet, chosen), (name) => freshet.verify(name)),
      )
      answer(cli, command, attempts.map(reportOf), (paint) => renderAttempts(attempts, renderVerification, paint))
      if (attempts.some((attempt) => 'error' in attempt)) cli.exitCode = EXIT.failed
      else if (attempts.some((attempt) => 'result' in attempt && !attempt.result.equal)) cli.exitCode = EXIT.different
    })
  examples(
    command,
    ['freshet verify --all', 'compare every stream table with its query'],
    ['freshet verify sales.daily --json', 'the counts, and a few of the differing rows'],
  )
}
