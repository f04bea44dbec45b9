import type { CaptureChoice, Mode, OutputKind, Tier } from '@freshet/client'
import { parseSchedule } from '@freshet/core'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { answer, notice, withFreshet, type Cli } from '../cli.ts'
import { usageError } from '../problem.ts'
import { showProgress } from '../render/progress.ts'
import { advisoryNotice, alteredFacts, fullNotice } from '../render/stream-table.ts'
import {
  atomicOption,
  cdcOption,
  distributionColumnOption,
  fuseOption,
  given,
  modeOption,
  optionalQueryText,
  placementOption,
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
  readonly placement?: OutputKind
  readonly distributionColumn?: string
  readonly rest?: number
  readonly cancel?: boolean
}

/** After the fill, after each index, and between two rounds of catching up, at first; half of it after the next round, and so on. */
function restOption(): Option {
  return new Option(
    '--rest <duration>',
    'let the server rest while a new query is prepared: so long after the fill, after each index and after the first refresh, half as long after each further refresh (at most 1m); the fill itself is one statement and has no rests',
  ).argParser((text: string): number => {
    const schedule = parseSchedule(text)
    if (schedule.kind === 'every' && schedule.ms <= 60_000) return schedule.ms
    throw new InvalidArgumentError('Give a duration of at most a minute, such as 500ms.')
  })
}

async function cancel(cli: Cli, command: Command, name: string, options: Options): Promise<void> {
  if (Object.keys(options).length > 1) throw usageError('--cancel goes alone', 'Give the other changes afterwards.')
  await withFreshet(cli, command, (freshet) => freshet.cancelAlter(name))
  answer(cli, command, { canceled: name }, () => `The new query of ${name} is canceled; it keeps the one that it has.`)
}

export function alter(program: Command, cli: Cli): void {
  const command = program
    .command('alter')
    .description(
      "change a stream table's query, schedule, fuse, SLA, tier, group, mode, name, where its rows are, or how its sources are captured",
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
    .addOption(placementOption('where they are'))
    .addOption(distributionColumnOption('the one that does'))
    .option('--rename <name>', 'its new name')
    .addOption(restOption())
    .option('--cancel', 'end the filling of a new query, which another process is at or has left')
    .action(async (name: string, options: Options, command: Command) => {
      if (options.cancel === true) return cancel(cli, command, name, options)
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
        placement: options.placement,
        distributionColumn: options.distributionColumn,
        restMs: options.rest,
      })
      if (options.rest !== undefined && query === undefined)
        throw usageError('there is no new query', '--rest goes with --query or --query-file.')
      if (Object.keys(change).length === 0) {
        throw usageError(
          'nothing to change was given',
          'Give one of --query, --query-file, --schedule, --fuse, --sla, --tier, --atomic, --mode, --rename, --cdc, --placement, --distribution-column, or --cancel.',
        )
      }
      const altered = await showProgress(cli, command, (progress) =>
        withFreshet(cli, command, (freshet) => freshet.alter(name, change, progress)),
      )
      if (altered.modeReason) notice(cli, command, (paint) => fullNotice(altered, paint))
      const { advisory } = altered
      if (advisory) notice(cli, command, (paint) => advisoryNotice(advisory, paint))
      answer(cli, command, altered, (paint) => alteredFacts(altered, paint))
    })
  examples(
    command,
    ['freshet alter big_orders --schedule 1m', 'let it be up to a minute old'],
    ['freshet alter big_orders --query-file orders.sql', 'give it another query'],
    ['freshet alter big_orders --query-file orders.sql --rest 500ms', 'and leave the server time for others'],
    ['freshet alter big_orders --cancel', 'keep the query that it has'],
    ['freshet alter big_orders --fuse 100000', 'stop before a hundred thousand changes at once'],
    ['freshet alter big_orders --sla 500ms', 'a change is to be visible within half a second'],
    ['freshet alter summary --atomic diamond', 'never seen beside another state of what it reads'],
    ['freshet alter big_orders --tier frozen', 'nobody needs it at the moment'],
    ['freshet alter big_orders --cdc wal', 'capture its sources from the server’s log'],
    ['freshet alter big_orders --placement reference', 'on a Citus cluster, have its rows on every node'],
    ['freshet alter big_orders --rename large_orders', 'rename it'],
  )
}
