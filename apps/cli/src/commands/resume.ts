import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'

export function resume(program: Command, cli: Cli): void {
  const command = program
    .command('resume')
    .description('refresh a paused or suspended stream table again')
    .argument('<name>', 'the stream table')
    .action(async (name: string, _options: object, command: Command) => {
      const table = await withFreshet(cli, command, async (freshet) => {
        await freshet.resume(name)
        return freshet.get(name)
      })
      answer(cli, command, table, () => `Resumed ${table.name}.`)
    })
  examples(command, ['freshet resume sales.daily', 'after `pause`, or when the cause of a suspension is gone'])
}
