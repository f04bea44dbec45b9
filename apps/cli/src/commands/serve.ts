import type { Command } from 'commander'
import { answer, databaseUrls, notice, type Cli } from '../cli.ts'
import { given } from './definition.ts'
import { examples } from './examples.ts'
import { portNumber } from './port.ts'

interface Options {
  readonly port?: number
  readonly host?: string
  readonly feedToken?: string
  readonly feedOrigins?: string
  readonly workers?: string
}

export function serve(program: Command, cli: Cli): void {
  const command = program
    .command('serve')
    .description(
      'run the scheduler: refresh stream tables by their schedules, and serve /health, /metrics and a dashboard; of several databases, when --database-url is repeated, or DATABASE_URL has spaces between them',
    )
    .option('--port <port>', 'where it serves; 0 takes a free one (default: 8710)', portNumber)
    .option('--host <address>', 'the address it serves on (default: 127.0.0.1)')
    .option(
      '--feed-token <secret>',
      'what readers of feeds over HTTP show; better as FRESHET_FEED_TOKEN (default: no feeds)',
    )
    .option('--feed-origins <origins>', 'whose pages may read feeds, with commas; or FRESHET_FEED_ORIGINS')
    .option('--workers <number>', 'how many refreshes run at once over several databases (default: 16)')
    .action(async ({ port, host, feedToken, feedOrigins, workers }: Options, command: Command) => {
      const { readFeedAccess, readWorkers } = await import('@freshet/scheduler')
      const feeds = readFeedAccess({ 'feed-token': feedToken, 'feed-origins': feedOrigins }, cli.terminal.env)
      const interrupted = cli.terminal.interrupted()
      const scheduler = await cli.startScheduler({
        databaseUrl: databaseUrls(cli, command),
        workers: readWorkers(workers, cli.terminal.env),
        feeds,
        ...given({ port, host }),
      })
      answer(cli, command, { url: scheduler.url }, () => `The scheduler runs; its dashboard is at ${scheduler.url}`)
      const signal = await interrupted
      notice(cli, command, () => `${signal}: finishing the refreshes that run`)
      await scheduler.stop()
    })
  examples(
    command,
    ['freshet serve', 'until Ctrl-C or SIGTERM; refreshes that run are finished first'],
    ['freshet serve --host 0.0.0.0 --port 80', 'in a container'],
    ['freshet serve --database-url $SHOP --database-url $BANK', 'two databases in one process'],
  )
}
