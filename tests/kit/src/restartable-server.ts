import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { childOf, embeddedPostgres, freePort, TEST_SETTINGS, urlOf, watch } from './server.ts'

/**
 * A PostgreSQL that can be ended in every way a server can end, and started again: the same data, the same port.
 *
 * What it has acknowledged as durable is still there after `kill`: the machine stays up, so what was written is in files,
 * `fsync` or not; what was only in its memory is gone, as in a real crash.
 */
export interface RestartableServer extends AsyncDisposable {
  /** Of the maintenance database, as superuser. Stays the same. */
  readonly url: string
  readonly port: number
  readonly dataDirectory: string
  /** Of the server's first process; null while it is stopped. */
  readonly pid: number | null
  /** Until no process of the server is left. */
  stop(ending: Ending): Promise<void>
  /** With other settings, when they are given. */
  start(settings?: Readonly<Record<string, string>>): Promise<void>
}

/**
 *   fast       sessions are ended, all is written: a planned restart
 *   immediate  sessions are cut, nothing is written: recovery follows
 *   kill       the first process is gone without a word, the others notice it
 */
export type Ending = 'fast' | 'immediate' | 'kill'

const SIGNALS = { fast: 'SIGINT', immediate: 'SIGQUIT', kill: 'SIGKILL' } as const

export interface RestartableServerOptions {
  /** In addition to, or instead of, those of every test server. */
  readonly settings?: Readonly<Record<string, string>>
  /** The data directory of a stopped server, to start from a copy of it. */
  readonly copyOf?: string
  /** That copy follows the server at this URL, through its replication slot of this name, until it is promoted. */
  readonly standbyOf?: { readonly url: string; readonly slot: string }
}

export async function startRestartableServer(options: RestartableServerOptions = {}): Promise<RestartableServer> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-restartable-'))
  await chmod(directory, 0o755) // the server's own user has to pass through
  const dataDirectory = join(directory, 'data')
  const port = await freePort()
  const state: { settings: Readonly<Record<string, string>>; running: Running | null } = {
    settings: { ...TEST_SETTINGS, ...options.settings },
    running: null,
  }
  const stop = async (ending: Ending) => {
    await state.running?.stop(SIGNALS[ending])
    state.running = null
  }
  const start = async (settings = state.settings) => {
    state.settings = { ...state.settings, ...settings }
    state.running = await run({ directory, dataDirectory, port, settings: state.settings, initialise: false })
  }
  const server: RestartableServer = {
    url: urlOf(port),
    port,
    dataDirectory,
    get pid() {
      return state.running?.pid ?? null
    },
    stop,
    start,
    async [Symbol.asyncDispose]() {
      await stop('immediate')
      await rm(directory, { recursive: true, force: true })
    },
  }
  try {
    if (options.copyOf !== undefined) await promisify(execFile)('cp', ['-a', options.copyOf, dataDirectory])
    if (options.standbyOf !== undefined) {
      await writeFile(join(dataDirectory, 'standby.signal'), '')
      // a slot is its server's own: a base backup has none either
      for (const slot of await readdir(join(dataDirectory, 'pg_replslot')))
        await rm(join(dataDirectory, 'pg_replslot', slot), { recursive: true })
      const primary = { primary_conninfo: options.standbyOf.url, primary_slot_name: options.standbyOf.slot }
      state.settings = { ...state.settings, ...primary, hot_standby_feedback: 'on' }
    }
    state.running = await run({
      directory,
      dataDirectory,
      port,
      settings: state.settings,
      initialise: options.copyOf === undefined,
    })
    return server
  } catch (error) {
    await server[Symbol.asyncDispose]()
    throw error
  }
}

interface Running {
  readonly pid: number
  stop(signal: NodeJS.Signals): Promise<void>
}

interface Start {
  readonly directory: string
  readonly dataDirectory: string
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  readonly initialise: boolean
}

async function run({ directory, dataDirectory, port, settings, initialise }: Start): Promise<Running> {
  const log: string[] = []
  // a standby takes connections, but is not what the library waits for
  let standsBy: () => void = () => undefined
  const standby = new Promise<void>((resolve) => (standsBy = resolve))
  const embedded = embeddedPostgres({
    databaseDir: dataDirectory,
    port,
    settings,
    onLine: (line) => {
      log.push(line)
      if (log.length > 50) log.shift()
      if (line.includes('ready to accept read-only connections')) standsBy()
    },
  })
  try {
    if (initialise) await embedded.initialise()
    await Promise.race([embedded.start(), standby])
  } catch (error) {
    throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error })
  }
  const child = childOf(embedded)
  const watchdog = watch(child.pid, directory)
  // not before every process that can write to its log has ended
  const ended = once(child, 'close')
  return {
    pid: child.pid,
    async stop(signal) {
      process.kill(child.pid, signal)
      await embedded.stop()
      await ended
      watchdog.kill()
    },
  }
}
