import type { Command } from 'commander'
import { withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'

export function dump(program: Command, cli: Cli): void {
  const command = program
    .command('dump')
    .description(
      'print the definitions of all stream tables, the settings, and what is paused, as one JSON document; `restore` reads it',
    )
    .action(async (_options: object, command: Command) => {
      const document = await withFreshet(cli, command, (freshet) => freshet.dump())
      cli.terminal.out.write(`${JSON.stringify(document, null, 2)}\n`)
    })
  examples(command, ['freshet dump > shop.freshet.json', 'keep it beside the backups, or under version control'])
}
