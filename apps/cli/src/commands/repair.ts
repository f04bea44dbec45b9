import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'
import { problem, renderProblem } from '../problem.ts'
import { examples } from './examples.ts'

export function repair(program: Command, cli: Cli): void {
  const command = program
    .command('repair')
    .description(
      'rebuild what is missing: triggers and their functions, change buffers, guards, state tables, rows and views of the catalog; stream tables that may have missed something are filled anew by their next refresh',
    )
    .action(async (_options: object, command: Command) => {
      const { repaired, failed } = await withFreshet(cli, command, (freshet) => freshet.repair())
      const problems = failed.map(({ subject, error }) => ({ subject, error: problem(error) }))
      answer(cli, command, { repaired, failed: problems }, (paint) =>
        [
          ...(repaired.length + failed.length === 0 ? ['Nothing was missing.'] : []),
          ...repaired.map(({ subject, message }) => `${paint.green('repaired')} ${paint.bold(subject)}: ${message}`),
          ...problems.map(({ subject, error }) => `${subject}: ${renderProblem(error, paint)}`),
        ].join('\n'),
      )
      if (failed.length > 0) cli.exitCode = EXIT.failed
    })
  examples(
    command,
    ['freshet repair', 'after `doctor` found something; exits with 1 if it could not all be repaired'],
    ['freshet repair && freshet refresh --all', 'and fill anew what needs it, where no scheduler runs'],
  )
}
