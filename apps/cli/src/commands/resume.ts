import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'
import { type GateOptions, subject } from './gate.ts'

export function resume(program: Command, cli: Cli): void {
  const command = program
    .command('resume')
    .description('refresh a paused or suspended stream table again; or capture a source, or all of them, again')
    .argument('[name]', 'the stream table')
    .option('--source <table>', 'capture this source again')
    .option('--capture', 'end `pause --capture`')
    .option('--everything', 'end `pause --everything`')
    .action(async (name: string | undefined, options: GateOptions, command: Command) => {
      const what = subject(name, options)
      if (what.kind === 'table') {
        const table = await withFreshet(cli, command, async (freshet) => {
          await freshet.resume(what.name)
          return freshet.get(what.name)
        })
        answer(cli, command, table, () => `Resumed ${table.name}.`)
        return
      }
      const { resumed } = await withFreshet(cli, command, (freshet) => freshet.resumeCapture(what))
      answer(cli, command, { resumed }, () =>
        resumed.length === 0
          ? 'Resumed; no capture was to be started.'
          : `Resumed the capture of ${resumed.join(', ')}. What reads it is filled anew by its next refresh.`,
      )
    })
  examples(
    command,
    ['freshet resume sales.daily', 'after `pause`, or when the cause of a suspension is gone'],
    ['freshet resume --source sales.orders', 'waits for transactions that have written to it'],
  )
}
