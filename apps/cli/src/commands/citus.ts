import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { citusTable } from '../render/citus.ts'
import { serverNow } from '../server-now.ts'
import { examples } from './examples.ts'

export function citus(program: Command, cli: Cli): void {
  const command = program.command('citus').description('what goes on between the nodes of a Citus cluster')
  const status = command
    .command('status')
    .description(
      'show, of each source that Citus has placed and each node: shards, co-location, changes that wait there, when they were last collected, and whether the node answers',
    )
    .action(async (_options: object, here: Command) => {
      const { rows, now } = await withFreshet(cli, here, async (freshet) => ({
        rows: await freshet.citusStatus(),
        now: await serverNow(freshet),
      }))
      answer(cli, here, rows, (paint) => citusTable(rows, now, paint))
    })
  examples(
    status,
    ['freshet citus status', 'all placed sources, node by node'],
    [`freshet citus status --json | jq 'map(select(.failures > 0 or (.inOrder | not)))'`, 'what is in trouble'],
  )
}
