import { resolve } from 'node:path'
import type { Command } from 'commander'
import { answer, notice, type Cli } from '../cli.ts'
import { usageError } from '../problem.ts'
import { startEmbeddedPostgres } from '../postgres/server.ts'
import { given } from './definition.ts'
import { examples } from './examples.ts'
import { portNumber } from './port.ts'

interface Options {
  readonly port?: number
  readonly dataDir?: string
  readonly persist?: boolean
}

/** Where `--persist` keeps the data, below the current directory. */
const KEPT = '.freshet/postgres'

export function postgres(program: Command, cli: Cli): void {
  const command = program
    .command('postgres')
    .description('run a PostgreSQL server of its own in the foreground, on loopback, to try things on')
    .option('--port <port>', 'its port (default: a free one)', portNumber)
    .option('--data-dir <directory>', 'keep its data there (default: a temporary directory, removed at the end)')
    .option('--persist', `keep its data in ${KEPT}`)
    .action(async ({ port, dataDir, persist }: Options, command: Command) => {
      if (dataDir !== undefined && persist) {
        throw usageError('--data-dir and --persist were both given', 'Give one or the other.')
      }
      const interrupted = cli.terminal.interrupted()
      const directory = dataDir ?? (persist ? KEPT : undefined)
      const server = await startEmbeddedPostgres(
        given({ port, dataDirectory: directory === undefined ? undefined : resolve(directory) }),
      )
      const { url, pid, dataDirectory } = server
      answer(cli, command, { url, port: server.port, pid, dataDirectory }, () => url)
      notice(cli, command, (paint) => paint.dim(`PostgreSQL runs (process ${pid}); Ctrl-C stops it`))
      const ended = await Promise.race([interrupted, server.ended])
      await server.stop()
      if (typeof ended === 'object') throw ended.error
    })
  examples(
    command,
    ['freshet postgres', 'a fresh server; its data goes when it stops'],
    ['freshet postgres --persist --port 5433', 'one that remembers'],
  )
}
