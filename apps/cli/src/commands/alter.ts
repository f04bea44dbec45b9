import type { CaptureChoice, Mode, Tier } from '@freshet/client'
import type { Command } from 'commander'
import { answer, notice, withFreshet, type Cli } from '../cli.ts'
import { usageError } from '../problem.ts'
import { showProgress } from '../render/progress.ts'
import { fullNotice, streamTableFacts } from '../render/stream-table.ts'
import {
  atomicOption,
  cdcOption,
  fuseOption,
  given,
  modeOption,
  optionalQueryText,
  queryFileOption,
  queryOption,
  scheduleOption,
  slaOption,
  tierOption,
} from './definition.ts'
import { examples } from './examples.ts'

interface Options {
  readonly query?: string
  readonly queryFile?: string
  readonly schedule?: string
  readonly fuse?: number | null
  readonly sla?: string | null
  readonly tier?: Tier
  readonly atomic?: string | null
  readonly mode?: Mode
  readonly rename?: string
  readonly cdc?: CaptureChoice
}

export function alter(program: Command, cli: Cli): void {
  const command = program
    .command('alter')
    .description(
      "change a stream table's query, schedule, fuse, SLA, tier, group, mode, name, or how its sources are captured",
    )
    .argument('<name>', 'the stream table')
    .addOption(queryOption())
    .addOption(queryFileOption())
    .addOption(scheduleOption())
    .addOption(fuseOption())
    .addOption(slaOption())
    .addOption(tierOption())
    .addOption(atomicOption())
    .addOption(modeOption())
    .addOption(cdcOption())
    .option('--rename <name>', 'its new name')
    .action(async (name: string, options: Options, command: Command) => {
      const query = await optionalQueryText(cli.terminal, options)
      const change = given({
        query,
        mode: options.mode,
        schedule: options.schedule,
        fuse: options.fuse,
        sla: options.sla,
        tier: options.tier,
        atomic: options.atomic,
        rename: options.rename,
        cdc: options.cdc,
      })
      if (Object.keys(change).length === 0) {
        throw usageError(
          'nothing to change was given',
          'Give one of --query, --query-file, --schedule, --fuse, --sla, --tier, --atomic, --mode, --rename, --cdc.',
        )
      }
      const altered = await showProgress(cli, command, (progress) =>
        withFreshet(cli, command, (freshet) => freshet.alter(name, change, progress)),
      )
      if (altered.modeReason) notice(cli, command, (paint) => fullNotice(altered, paint))
      answer(cli, command, altered, (paint) => streamTableFacts(altered, paint))
    })
  examples(
    command,
    ['freshet alter big_orders --schedule 1m', 'let it be up to a minute old'],
    ['freshet alter big_orders --query-file orders.sql', 'give it another query'],
    ['freshet alter big_orders --fuse 100000', 'stop before a hundred thousand changes at once'],
    ['freshet alter big_orders --sla 500ms', 'a change is to be visible within half a second'],
    ['freshet alter summary --atomic diamond', 'never seen beside another state of what it reads'],
    ['freshet alter big_orders --tier frozen', 'nobody needs it at the moment'],
    ['freshet alter big_orders --cdc wal', 'capture its sources from the server’s log'],
    ['freshet alter big_orders --rename large_orders', 'rename it'],
  )
}
