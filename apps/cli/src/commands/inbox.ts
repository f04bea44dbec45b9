import { dirname, resolve } from 'node:path'
import type { DeadMessage } from '@freshet/relay'
import type { Command } from 'commander'
import { answer, databaseUrl, notice, withFreshet, type Cli } from '../cli.ts'
import { usageError } from '../problem.ts'
import { deadMessageList } from '../render/inbox.ts'
import { examples } from './examples.ts'

interface ReadOptions {
  readonly config?: string
}

interface DeadOptions {
  readonly revive?: true | readonly string[]
}

export function inbox(program: Command, cli: Cli): void {
  const command = program
    .command('inbox')
    .description('tables into which messages are put, each once, until a program has handled them')
  examples(
    command,
    [
      'freshet inbox read --config inbox.yaml',
      'from Kafka, until Ctrl-C or SIGTERM; several may run, and share the work',
    ],
    ['freshet inbox check --config inbox.yaml', 'every mistake in it, with its path'],
    ['freshet inbox dead-letters shop.inbox --revive', 'have all that is dead tried again'],
  )

  command
    .command('create')
    .description('create an inbox, unless it is there; the database need not have Freshet')
    .argument('<name>', 'the table to create')
    .action(async (name: string, _options: unknown, here: Command) => {
      const { createInbox } = await import('@freshet/relay')
      const created = await withFreshet(cli, here, ({ database }) => createInbox(database, name))
      answer(cli, here, created, () => `The inbox ${created.schema}.${created.table} is there.`)
    })

  command
    .command('read')
    .description('read topics of Kafka into an inbox, as a configuration file says, until interrupted')
    .option('--config <file>', 'the configuration, in YAML')
    .action(async (options: ReadOptions, here: Command) => {
      const { kafkaInboxOptions, parseInboxConfig, readKafka, redact } = await import('@freshet/relay')
      const path = configOf(options)
      const { config, secrets } = parseInboxConfig(await cli.terminal.read(path), cli.terminal.env)
      const tell = (told: object) => cli.terminal.err.write(`${redact(JSON.stringify(told), secrets)}\n`)
      const interrupted = cli.terminal.interrupted()
      const freshet = await cli.connect(config.database ?? databaseUrl(cli, here))
      try {
        const reader = await readKafka(freshet.database, config.inbox, {
          ...kafkaInboxOptions(config, dirname(path)),
          onFailure: (error) => tell({ time: new Date().toISOString(), kind: 'failed', error: error.toJSON() }),
        })
        answer(cli, here, { inbox: config.inbox }, () => `Reading into ${config.inbox}.`)
        const signal = await Promise.race([interrupted, reader.ended])
        if (signal !== undefined) notice(cli, here, () => `${signal}: finishing what is under way`)
        await reader.stop()
      } finally {
        await freshet.close()
      }
    })

  command
    .command('check')
    .description('check a configuration file, and do nothing else')
    .option('--config <file>', 'the configuration, in YAML')
    .action(async (options: ReadOptions, here: Command) => {
      const { parseInboxConfig } = await import('@freshet/relay')
      const { config } = parseInboxConfig(await cli.terminal.read(configOf(options)), cli.terminal.env)
      answer(cli, here, { inbox: config.inbox }, () => `It is right: into ${config.inbox}.`)
    })

  command
    .command('dead-letters')
    .description('show the messages of an inbox that are dead, or have them tried again')
    .argument('<name>', 'the inbox')
    .option('--revive [events...]', 'have all, or these, tried again by whoever consumes the inbox')
    .action(async (name: string, { revive: asked }: DeadOptions, here: Command) => {
      const { listDead, revive } = await import('@freshet/relay')
      if (asked === undefined) {
        const dead = await withFreshet(cli, here, ({ database }) => listDead(database, name))
        answer(cli, here, dead.map(documentOf), (paint) => deadMessageList(dead, paint))
        return
      }
      const revived = await withFreshet(cli, here, ({ database }) =>
        revive(database, name, asked === true ? null : asked),
      )
      answer(cli, here, { revived }, () => `Revived ${revived} of ${name}.`)
    })
}

function configOf({ config }: ReadOptions): string {
  if (config !== undefined) return resolve(config)
  throw usageError('no configuration was given', 'Give --config FILE; docs/07-relay.md describes the file.')
}

function documentOf({ value, ...message }: DeadMessage): object {
  return { ...message, value: value === null ? null : value.toString('base64') }
}
