import type { Command } from 'commander'
import { answer, databaseUrls, notice, type Cli } from '../cli.ts'
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
      'run the scheduler: refresh stream tables by their schedules, and serve /health, /metrics and a dashboard; of several databases, when --database-url is repeated, or DATABASE_URL has spaces between them. FRESHET_HTTP_HOST, FRESHET_HTTP_PORT, FRESHET_LOG_LEVEL, FRESHET_DRAIN_TIMEOUT_MS, FRESHET_WORKERS and OTEL_… are heeded',
    )
    .option('--port <port>', 'where it serves; 0 takes a free one (default: 8710)', portNumber)
    .option('--host <address>', 'the address it serves on (default: 127.0.0.1)')
    .option(
      '--feed-token <secret>',
      'what readers of feeds over HTTP show; better as FRESHET_FEED_TOKEN (default: no feeds)',
    )
    .option('--feed-origins <origins>', 'whose pages may read feeds, with commas; or FRESHET_FEED_ORIGINS')
    .option('--workers <number>', 'how many refreshes run at once over several databases (default: 16)')
    .action(async ({ port, feedToken, feedOrigins, host, workers }: Options, command: Command) => {
      const { readServingConfig } = await import('@freshet/scheduler')
      const flags = { host, workers, 'feed-token': feedToken, 'feed-origins': feedOrigins, port: port?.toString() }
      const { drainTimeoutMs, logLevel, ...config } = readServingConfig(flags, cli.terminal.env)
      const interrupted = cli.terminal.interrupted()
      const scheduler = await cli.startScheduler({
        databaseUrl: databaseUrls(cli, command),
        ...config,
        ...(logLevel === null ? {} : { logLevel }),
        tracing: true,
      })
      answer(cli, command, { url: scheduler.url }, () => `The scheduler runs; its dashboard is at ${scheduler.url}`)
      const signal = await interrupted
      notice(cli, command, () => `${signal}: finishing the refreshes that run`)
      await scheduler.stop({ drainTimeoutMs })
    })
  examples(
    command,
    ['freshet serve', 'until Ctrl-C or SIGTERM; refreshes that run are finished first'],
    ['freshet serve --host 0.0.0.0 --port 80', 'in a container'],
    ['freshet serve --database-url $SHOP --database-url $BANK', 'two databases in one process'],
  )
}
