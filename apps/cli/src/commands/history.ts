import type { Command } from 'commander'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { historyTable } from '../render/history.ts'
import { given } from './definition.ts'
import { examples } from './examples.ts'
import { wholeNumber } from './limit.ts'

interface Options {
  readonly limit: number
}

export function history(program: Command, cli: Cli): void {
  const command = program
    .command('history')
    .description('show the last refreshes, newest first; of one stream table, or of all')
    .argument('[name]', 'the stream table')
    .option('--limit <n>', 'how many', wholeNumber, 20)
    .action(async (name: string | undefined, { limit }: Options, command: Command) => {
      const entries = await withFreshet(cli, command, (freshet) => freshet.history({ limit, ...given({ name }) }))
      answer(cli, command, entries, (paint) => historyTable(entries, paint))
    })
  examples(
    command,
    ['freshet history --limit 100', 'the last hundred refreshes'],
    [`freshet history sales.daily --json | jq 'map(select(.error))'`, 'the failed ones'],
  )
}
