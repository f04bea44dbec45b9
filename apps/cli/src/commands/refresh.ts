import type { Command } from 'commander'
import type { RefreshOutcome } from '@freshet/core'
import { answer, withFreshet, type Cli } from '../cli.ts'
import { EXIT } from '../exit-code.ts'
import { renderOutcome } from '../render/outcome.ts'
import { examples } from './examples.ts'
import { attemptEach, renderAttempts, reportOf, selection, type Attempt } from './selection.ts'

interface Options {
  readonly all?: boolean
  readonly full?: boolean
  readonly upstream?: boolean
}

export function refresh(program: Command, cli: Cli): void {
  const command = program
    .command('refresh')
    .description('refresh stream tables now')
    .argument('[name...]', 'the stream tables, in this order')
    .option('--all', 'every active stream table, in dependency order')
    .option('--upstream', 'before each of them, the stream tables that it reads')
    .option('--full', 'recompute the query and apply the difference, whatever the mode')
    .action(async (names: readonly string[], { all, full, upstream }: Options, command: Command) => {
      const chosen = selection(names, all)
      const options = { full: full === true, initiatedBy: 'manual' }
      const attempts = await withFreshet(cli, command, async (freshet): Promise<Attempt<RefreshOutcome>[]> => {
        if (!chosen.all) {
          const request = { ...options, upstream: upstream === true }
          return attemptEach(chosen.names, (name) => freshet.refresh(name, request))
        }
        const done = await freshet.refreshAll(options)
        return done.map(({ name, outcome }) => ({ name, result: outcome }))
      })
      answer(cli, command, attempts.map(reportOf), (paint) => renderAttempts(attempts, renderOutcome, paint))
      if (attempts.some((attempt) => 'error' in attempt)) cli.exitCode = EXIT.failed
    })
  examples(
    command,
    ['freshet refresh sales.daily', 'one stream table'],
    ['freshet refresh sales.daily --upstream', 'and before it what it reads'],
    ['freshet refresh --all', 'all of them'],
    ['freshet refresh sales.daily --full', 'recompute it; only the difference is written'],
  )
}
