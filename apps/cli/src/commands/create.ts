import type { CaptureChoice, Mode, OutputKind, Tier } from '@freshet/client'
import type { Command } from 'commander'
import { answer, notice, withFreshet, type Cli } from '../cli.ts'
import { showProgress } from '../render/progress.ts'
import { advisoryNotice, fullNotice, streamTableFacts } from '../render/stream-table.ts'
import { examples } from './examples.ts'
import {
  atomicOption,
  cdcOption,
  distributionColumnOption,
  fuseOption,
  given,
  modeOption,
  placementOption,
  queryFileOption,
  queryOption,
  queryText,
  scheduleOption,
  slaOption,
  tierOption,
} from './definition.ts'

interface Options {
  readonly query?: string
  readonly queryFile?: string
  readonly schedule?: string
  readonly fuse?: number | null
  readonly sla?: string | null
  readonly tier?: Tier
  readonly atomic?: string | null
  readonly mode?: Mode
  readonly cdc?: CaptureChoice
  readonly placement?: OutputKind
  readonly distributionColumn?: string
}

export function create(program: Command, cli: Cli): void {
  const command = program
    .command('create')
    .description('create a stream table and fill it')
    .argument('<name>', 'its name, `table` or `schema.table`')
    .addOption(queryOption())
    .addOption(queryFileOption())
    .addOption(scheduleOption())
    .addOption(fuseOption())
    .addOption(slaOption())
    .addOption(tierOption())
    .addOption(atomicOption())
    .addOption(modeOption())
    .addOption(cdcOption())
    .addOption(
      placementOption('local where no source is distributed, else reference, and distributed from 100,000 rows on'),
    )
    .addOption(distributionColumnOption('the first one'))
    .action(async (name: string, options: Options, command: Command) => {
      const query = await queryText(cli.terminal, options)
      const spec = {
        name,
        query,
        ...given({
          mode: options.mode,
          schedule: options.schedule,
          fuse: options.fuse ?? undefined,
          sla: options.sla ?? undefined,
          tier: options.tier,
          atomic: options.atomic ?? undefined,
          cdc: options.cdc,
          placement: options.placement,
          distributionColumn: options.distributionColumn,
        }),
      }
      const made = await showProgress(cli, command, (progress) =>
        withFreshet(cli, command, (freshet) => freshet.create(spec, progress)),
      )
      if (made.modeReason) notice(cli, command, (paint) => fullNotice(made, paint))
      const { advisory } = made
      if (advisory) notice(cli, command, (paint) => advisoryNotice(advisory, paint))
      answer(cli, command, made, (paint) => streamTableFacts(made, paint))
    })
  examples(
    command,
    [
      `freshet create big_orders --query 'select * from orders where total > 1000'`,
      'fresh as soon as a change is seen',
    ],
    ['freshet create sales.daily --query-file daily.sql --schedule 5s', 'at most five seconds old'],
    [
      "freshet create morning --query-file m.sql --schedule 'cron: 0 6 * * mon-fri Europe/Berlin'",
      'on workdays at six',
    ],
    ['freshet create totals --query-file t.sql --distribution-column customer', 'on a Citus cluster, over its workers'],
    ['freshet create report --query-file - --schedule manual < report.sql', 'refreshed when asked to'],
  )
}
