import type { StreamTableStatus } from '@freshet/client'
import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { excerpt, withMore } from '../render/excerpt.ts'
import { statusDetails, statusList, streamLine } from '../render/status.ts'
import { serverNow } from '../server-now.ts'
import { examples } from './examples.ts'
import { limitOf, type LimitOption, limitOption } from './limit.ts'

export function status(program: Command, cli: Cli): void {
  const command = limitOption(
    program
      .command('status')
      .description('show freshness, pending changes, refresh times and errors; of one stream table, or of all')
      .argument('[name]', 'the stream table'),
  ).action(async (name: string | undefined, options: LimitOption, command: Command) => {
    const { now, tables, stream } = await withFreshet(cli, command, async (freshet) => {
      const tables = await freshet.status(name)
      const byWal = tables.some(({ sources }) => sources.some(({ capture }) => capture === 'wal'))
      const stream = byWal ? await freshet.capture.stream(freshet.database) : null
      return { now: await serverNow(freshet), tables, stream }
    })
    const some = excerpt(tables, limitOf(command, options), isInTrouble)
    answer(cli, command, some.shown, (paint) => {
      const [only] = tables
      const shown =
        name !== undefined && only
          ? statusDetails(only, now, paint)
          : withMore(statusList(some.shown, now, paint), some)
      return stream === null ? shown : `${shown}\n\n${streamLine(tables, stream, paint)}`
    })
  })
  examples(
    command,
    ['freshet status', 'all stream tables'],
    ['freshet status sales.daily', 'everything known about one'],
    [`freshet status --json | jq 'map(select(.lastError))'`, 'those in trouble'],
  )
}

function isInTrouble({ status, consecutiveErrors, gated }: StreamTableStatus): boolean {
  return status === 'suspended' || consecutiveErrors > 0 || gated
}
