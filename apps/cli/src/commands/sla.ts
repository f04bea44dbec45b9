import { InvalidArgumentError, type Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { excerpt, withMore } from '../render/excerpt.ts'
import { slaTable } from '../render/sla.ts'
import { durationArgument } from './definition.ts'
import { examples } from './examples.ts'
import { limitOf, type LimitOption, limitOption } from './limit.ts'

interface Options extends LimitOption {
  readonly lookback: number
  readonly target: number
}

export function sla(program: Command, cli: Cli): void {
  const command = limitOption(
    program
      .command('sla')
      .description('show how long changes waited, which objectives were kept, and what to do about the others'),
  )
    .option(
      '--lookback <duration>',
      'how far back, in whole hours of the clock, such as 1h or 30d',
      durationArgument,
      7 * 86_400_000,
    )
    .option('--target <share>', 'the share of refreshes that are to be in time', share, 0.99)
    .action(async ({ lookback, target, ...options }: Options, command: Command) => {
      const summary = await withFreshet(cli, command, (freshet) => freshet.slaSummary({ lookbackMs: lookback, target }))
      const some = excerpt(summary, limitOf(command, options), ({ recommendation }) => recommendation !== null)
      answer(cli, command, some.shown, (paint) => withMore(slaTable(some.shown, paint), some))
    })
  examples(
    command,
    ['freshet sla', 'the last week, and 99 in a hundred refreshes in time'],
    ['freshet sla --lookback 1h --target 0.999', 'the last hour, by a stricter measure'],
    [`freshet sla --json | jq 'map(select(.recommendation))'`, 'those that miss their objective'],
  )
}

function share(text: string): number {
  const value = Number(text)
  if (/^0?\.\d+$/.test(text) && value > 0 && value < 1) return value
  throw new InvalidArgumentError('Allowed are shares between 0 and 1, such as 0.99.')
}
