import { watch } from 'node:fs'
import { resolve } from 'node:path'
import type { DeadLetter, RelayNotice } from '@freshet/relay'
import { toFreshetError } from '@freshet/core'
import type { Command } from 'commander'
import { answer, globalOptions, notice, withFreshet, type Cli } from '../cli.ts'
import { usageError } from '../problem.ts'
import { deadLetterList } from '../render/dead-letters.ts'
import { examples } from './examples.ts'

interface Options {
  readonly config?: string
}

interface LetterOptions {
  readonly relay?: string
  readonly replay?: true | readonly string[]
}

/** Editors write a file in several steps. */
const SETTLED_MS = 200

export function relay(program: Command, cli: Cli): void {
  const command = program
    .command('relay')
    .description(
      'deliver outboxes and stream tables to Kafka and other sinks, as a configuration file says, until interrupted; the file is read again when it changes, or at SIGHUP',
    )
    .option('--config <file>', 'the configuration, in YAML')
    .action(async (options: Options, here: Command) => {
      const path = configOf(options)
      const { redact, startRelay, parseConfig } = await import('@freshet/relay')
      const text = await cli.terminal.read(path)
      const interrupted = cli.terminal.interrupted()
      let { secrets } = parseConfig(text, cli.terminal.env)
      const tell = (told: object) => cli.terminal.err.write(`${redact(JSON.stringify(told), secrets)}\n`)
      const url = globalOptions(here).databaseUrl ?? cli.terminal.env['DATABASE_URL']
      const running = await startRelay({
        text,
        path,
        env: cli.terminal.env,
        ...(url === undefined ? {} : { databaseUrl: url }),
        listener: (news) => {
          const line = lineOf(news)
          if (line !== null) tell({ time: new Date().toISOString(), ...line })
        },
      })
      const reload = async () => {
        try {
          const changed = await cli.terminal.read(path)
          secrets = [...new Set([...secrets, ...parseConfig(changed, cli.terminal.env).secrets])]
          const restarted = await running.reload(changed)
          tell({ time: new Date().toISOString(), kind: 'reloaded', restarted })
        } catch (error) {
          tell({ time: new Date().toISOString(), kind: 'not reloaded', error: toFreshetError(error).toJSON() })
        }
      }
      const unwatch = onChange(path, () => void reload())
      answer(cli, here, { url: running.url }, () =>
        running.url === null ? 'The relay runs.' : `The relay runs; ${running.url}/health says how it is.`,
      )
      const signal = await interrupted
      notice(cli, here, () => `${signal}: delivering what is under way`)
      unwatch()
      await running.stop()
    })
  examples(
    command,
    ['freshet relay --config relay.yaml', 'until Ctrl-C or SIGTERM; several may run, and share the work'],
    ['freshet relay check --config relay.yaml', 'every mistake in it, with its path'],
    ['freshet relay dead-letters --relay orders --replay', 'deliver again what the sink had refused'],
  )

  command
    .command('check')
    .description('check a configuration file, and do nothing else')
    .action(async (_options: unknown, here: Command) => {
      const { parseConfig } = await import('@freshet/relay')
      const { config } = parseConfig(await cli.terminal.read(configOf(here.optsWithGlobals())), cli.terminal.env)
      const relays = Object.keys(config.relays)
      answer(cli, here, { relays }, () => `It is right: ${relays.join(', ')}.`)
    })

  command
    .command('dead-letters')
    .description('show the messages that sinks have refused, or have them delivered again')
    .option('--relay <name>', 'those of one relay')
    .option('--replay [numbers...]', 'deliver all of a relay, or these, again; the relay that runs does it')
    .action(async ({ relay: name, replay }: LetterOptions, here: Command) => {
      const { listDeadLetters, requestLetters } = await import('@freshet/relay')
      if (replay === undefined) {
        const letters = await withFreshet(cli, here, (freshet) => listDeadLetters(freshet.database, name ?? null))
        answer(cli, here, letters.map(documentOf), (paint) => deadLetterList(letters, paint))
        return
      }
      if (name === undefined) throw usageError('no relay was given', 'Give --relay NAME beside --replay.')
      const numbers = replay === true ? null : replay
      const requested = await withFreshet(cli, here, (freshet) => requestLetters(freshet.database, name, numbers))
      answer(cli, here, { requested }, () => `Asked for ${requested} of ${name}.`)
    })
}

function configOf({ config }: Options): string {
  if (config !== undefined) return resolve(config)
  throw usageError('no configuration was given', 'Give --config FILE; docs/07-relay.md describes the file.')
}

/** Deliveries are counted, not told. */
function lineOf(news: RelayNotice): object | null {
  if (news.kind === 'delivered' || news.kind === 'lag' || news.kind === 'waiting') return null
  return 'error' in news ? { ...news, error: news.error.toJSON() } : news
}

function documentOf({ value, ...letter }: DeadLetter): object {
  return { ...letter, value: value === null ? null : value.toString('base64') }
}

/** When the file has changed and rests, and at SIGHUP. */
function onChange(path: string, changed: () => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(path, () => {
    clearTimeout(timer)
    timer = setTimeout(changed, SETTLED_MS)
  })
  process.on('SIGHUP', changed)
  return () => {
    clearTimeout(timer)
    watcher.close()
    process.off('SIGHUP', changed)
  }
}
