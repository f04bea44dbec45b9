import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { streamTableList } from '../render/stream-table.ts'
import { examples } from './examples.ts'

export function list(program: Command, cli: Cli): void {
  const command = program
    .command('list')
    .description('list the stream tables')
    .action(async (_options: object, command: Command) => {
      const tables = await withFreshet(cli, command, (freshet) => freshet.list())
      answer(cli, command, tables, (paint) => streamTableList(tables, paint))
    })
  examples(command, ["freshet list --json | jq -r '.[].name'", 'their names, for a script'])
}
