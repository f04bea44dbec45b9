import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { examples } from './examples.ts'
import { type GateOptions, subject } from './gate.ts'

export function pause(program: Command, cli: Cli): void {
  const command = program
    .command('pause')
    .description(
      'stop refreshing a stream table; its changes are kept until it is resumed. Or stop the capture of a source, or of all: what reads them is filled anew afterwards',
    )
    .argument('[name]', 'the stream table')
    .option('--source <table>', 'capture nothing of this source; its writers pay nothing')
    .option('--capture', 'capture nothing at all (the setting cdc_paused)')
    .option('--everything', 'capture nothing, and let no scheduler refresh (the setting enabled)')
    .action(async (name: string | undefined, options: GateOptions, command: Command) => {
      const what = subject(name, options)
      if (what.kind === 'table') {
        const table = await withFreshet(cli, command, async (freshet) => {
          await freshet.pause(what.name)
          return freshet.get(what.name)
        })
        answer(cli, command, table, () => `Paused ${table.name}.`)
        return
      }
      const { paused } = await withFreshet(cli, command, (freshet) => freshet.pauseCapture(what))
      answer(cli, command, { paused }, () =>
        paused.length === 0 ? 'Paused; there was no capture to stop.' : `Paused the capture of ${paused.join(', ')}.`,
      )
    })
  examples(
    command,
    ['freshet pause sales.daily', 'leave it as it is for a while'],
    ['freshet pause --source sales.orders', 'before a bulk load into a source'],
    ['freshet pause --everything', 'the switch for an emergency; `resume --everything` ends it'],
  )
}
