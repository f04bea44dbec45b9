import { parseDump } from '@freshet/core'
import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'
import { problem, renderProblem, usageError } from '../problem.ts'
import { showProgress } from '../render/progress.ts'
import { examples } from './examples.ts'

export function restore(program: Command, cli: Cli): void {
  const command = program
    .command('restore')
    .description('create the stream tables of a dump, over the sources that are there; what exists already is kept')
    .argument('<file>', 'what `dump` printed, in either form; `-` is the standard input')
    .action(async (file: string, _options: object, command: Command) => {
      const document = parseDump(await content(cli, file))
      const { created, kept, failed } = await showProgress(cli, command, (progress) =>
        withFreshet(cli, command, (freshet) => freshet.restore(document, progress)),
      )
      const problems = failed.map(({ subject, error }) => ({ subject, error: problem(error) }))
      answer(cli, command, { created, kept, failed: problems }, (paint) =>
        [
          ...created.map((name) => `${paint.green('created')} ${name}`),
          ...kept.map((name) => `kept ${name}`),
          ...problems.map(({ subject, error }) => `${subject}: ${renderProblem(error, paint)}`),
          ...(created.length + kept.length + failed.length === 0 ? ['The dump has no stream tables.'] : []),
        ].join('\n'),
      )
      if (failed.length > 0) cli.exitCode = EXIT.failed
    })
  examples(
    command,
    ['freshet restore shop.freshet.json', 'after the tables that it reads have been restored; safe to repeat'],
    ['freshet dump --database-url $OLD | freshet restore - --database-url $NEW', 'to another database'],
  )
}

async function content(cli: Cli, file: string): Promise<string> {
  try {
    return await cli.terminal.read(file)
  } catch (error) {
    throw usageError(
      `can not read ${file}: ${error instanceof Error ? error.message : String(error)}`,
      'Give the name of a file that `freshet dump` wrote, or `-` for the standard input.',
    )
  }
}
