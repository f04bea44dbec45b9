import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'

export function drop(program: Command, cli: Cli): void {
  const command = program
    .command('drop')
    .description('drop a stream table, and the capture of sources that nothing reads any more')
    .argument('<name>', 'the stream table')
    .option('--cascade', 'drop the stream tables that read it, too')
    .action(async (name: string, options: { readonly cascade?: boolean }, command: Command) => {
      const cascade = options.cascade === true
      const dropped = await withFreshet(cli, command, (freshet) => freshet.drop(name, { cascade }))
      answer(cli, command, { dropped }, () => `Dropped ${dropped.join(', ')}.`)
    })
  examples(
    command,
    ['freshet drop big_orders', 'drop one'],
    ['freshet drop sales.daily --cascade', 'drop it with all that is built upon it'],
  )
}
