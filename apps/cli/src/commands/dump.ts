import { writeDumpScript } from '@freshet/core'
import { type Command, Option } from 'commander'
import { withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'

export function dump(program: Command, cli: Cli): void {
  const command = program
    .command('dump')
    .description(
      'print the definitions of all stream tables, the settings, and what is paused, as one document; `restore` reads it',
    )
    .addOption(
      new Option(
        '--format <format>',
        'one JSON document, or an SQL script: every query as it was written, the rest in comments',
      )
        .choices(['json', 'sql'])
        .default('json'),
    )
    .action(async ({ format }: { format: 'json' | 'sql' }, command: Command) => {
      const document = await withFreshet(cli, command, (freshet) => freshet.dump())
      cli.terminal.out.write(format === 'sql' ? writeDumpScript(document) : `${JSON.stringify(document, null, 2)}\n`)
    })
  examples(
    command,
    ['freshet dump > shop.freshet.json', 'keep it beside the backups'],
    ['freshet dump --format sql > stream-tables.sql', 'under version control, to be read'],
  )
}
