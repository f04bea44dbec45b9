import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { statusDetails, statusList, streamLine } from '../render/status.ts'
import { serverNow } from '../server-now.ts'
import { examples } from './examples.ts'

export function status(program: Command, cli: Cli): void {
  const command = program
    .command('status')
    .description('show freshness, pending changes, refresh times and errors; of one stream table, or of all')
    .argument('[name]', 'the stream table')
    .action(async (name: string | undefined, _options: object, command: Command) => {
      const { now, tables, stream } = await withFreshet(cli, command, async (freshet) => {
        const all = await freshet.status()
        const wanted = name === undefined ? null : await freshet.get(name)
        const tables = wanted ? all.filter((table) => table.id === wanted.id) : all
        const byWal = tables.some(({ sources }) => sources.some(({ capture }) => capture === 'wal'))
        const stream = byWal ? await freshet.capture.stream(freshet.database) : null
        return { now: await serverNow(freshet), tables, stream }
      })
      answer(cli, command, tables, (paint) => {
        const [only] = tables
        const shown = name !== undefined && only ? statusDetails(only, now, paint) : statusList(tables, now, paint)
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
