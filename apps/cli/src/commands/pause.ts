import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'

export function pause(program: Command, cli: Cli): void {
  const command = program
    .command('pause')
    .description('stop refreshing a stream table; its changes are kept until it is resumed')
    .argument('<name>', 'the stream table')
    .action(async (name: string, _options: object, command: Command) => {
      const table = await withFreshet(cli, command, async (freshet) => {
        await freshet.pause(name)
        return freshet.get(name)
      })
      answer(cli, command, table, () => `Paused ${table.name}.`)
    })
  examples(command, ['freshet pause sales.daily', 'leave it as it is for a while'])
}
