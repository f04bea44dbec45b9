import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FreshetError } from '@freshet/core'
import { binaries } from './binaries.ts'
import { awaitFree, initialise, readIfThere, scratchDirectory, serverEnvironment } from './data-directory.ts'
import { runnable, serverOwner } from './owner.ts'

/**
 * A PostgreSQL server of our own: loopback only, all that Freshet can use switched on, and gone when it is stopped.
 * It also ends when this process dies in a way that runs no code of ours (SIGKILL): a small watchdog sees to it.
 */
export interface EmbeddedPostgres extends AsyncDisposable {
  /** As superuser, of the database `postgres`. */
  readonly url: string
  readonly port: number
  readonly pid: number
  readonly dataDirectory: string
  /** Resolves when the server ends without having been asked to. */
  readonly ended: Promise<{ readonly error: FreshetError }>
  stop(): Promise<void>
}

export interface EmbeddedPostgresOptions {
  /** Default: a free one. */
  readonly port?: number
  /** Kept when the server stops. Default: a temporary directory that is removed. */
  readonly dataDirectory?: string
  /** Configuration parameters beside ours. */
  readonly settings?: Readonly<Record<string, string>>
}

const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_prepared_transactions: '20',
  max_connections: '200',
}

const START_TIMEOUT_MS = 60_000

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions = {}): Promise<EmbeddedPostgres> {
  const owner = await serverOwner()
  const scratch = await scratchDirectory()
  try {
    const programs = await runnable(owner, await binaries(), scratch)
    const dataDirectory = options.dataDirectory ?? join(scratch, 'data')
    await awaitFree(dataDirectory)
    const password = await initialise(dataDirectory, programs.initdb, owner, scratch)
    const port = options.port || (await freePort())
    const settings = Object.entries({ ...SETTINGS, ...options.settings })
    const child = spawn(
      programs.postgres,
      ['-D', dataDirectory, '-p', String(port), ...settings.flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop it in our order.
      { ...owner, stdio: ['ignore', 'ignore', 'pipe'], detached: true, env: serverEnvironment() },
    )
    const pid = await ready(child, dataDirectory, port)
    return running({ child, pid, port, password, dataDirectory, scratch })
  } catch (error) {
    await rm(scratch, { recursive: true, force: true })
    throw error
  }
}

interface Started {
  readonly child: ChildProcess
  readonly pid: number
  readonly port: number
  readonly password: string
  readonly dataDirectory: string
  readonly scratch: string
}

function running({ child, pid, port, password, dataDirectory, scratch }: Started): EmbeddedPostgres {
  const watchdog = watch(pid, scratch)
  const exited = once(child, 'exit')
  let stopping: Promise<void> | undefined
  const stop = () =>
    (stopping ??= (async () => {
      child.kill('SIGINT') // a fast shutdown: sessions are ended, nothing is lost
      await exited
      watchdog.kill()
      await rm(scratch, { recursive: true, force: true })
    })())
  return {
    url: `postgresql://postgres:${password}@127.0.0.1:${port}/postgres`,
    port,
    pid,
    dataDirectory,
    ended: exited.then(() => ({
      error: new FreshetError('CONNECTION_LOST', 'the PostgreSQL server ended by itself', { hint: null }),
    })),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** The server writes `ready` into line 8 of its pid file when it takes connections. */
async function ready(child: ChildProcess, dataDirectory: string, port: number): Promise<number> {
  const said: string[] = []
  child.stderr?.on('data', (text: Buffer) => {
    said.push(text.toString('utf8'))
    if (said.length > 50) said.shift()
  })
  let spawnError: Error | undefined
  child.once('error', (error) => (spawnError = error))
  const deadline = Date.now() + START_TIMEOUT_MS
  for (;;) {
    const lines = (await readIfThere(join(dataDirectory, 'postmaster.pid')))?.split('\n') ?? []
    if (child.pid !== undefined && Number(lines[0]) === child.pid && lines[7]?.startsWith('ready')) return child.pid
    if (spawnError || child.exitCode !== null || child.signalCode !== null || Date.now() > deadline) {
      child.kill('SIGQUIT')
      throw new FreshetError('CONNECTION_REFUSED', `PostgreSQL did not start on port ${port}`, {
        detail: spawnError?.message ?? said.join('').trim(),
        hint: 'Is the port taken? Without --port a free one is chosen.',
        cause: spawnError,
      })
    }
    await sleep(20)
  }
}

function watch(pid: number, scratch: string): ChildProcess {
  const script =
    'while kill -0 "$1" 2>/dev/null; do kill -0 "$2" 2>/dev/null || exit 0; sleep 1; done; ' +
    'kill -INT "$2"; while kill -0 "$2" 2>/dev/null; do sleep 1; done; rm -rf "$3"'
  const watchdog = spawn('sh', ['-c', script, 'freshet-watchdog', String(process.pid), String(pid), scratch], {
    detached: true,
    stdio: 'ignore',
  })
  watchdog.unref()
  return watchdog
}

async function freePort(): Promise<number> {
  const probe = createServer()
  probe.listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  probe.close()
  await once(probe, 'close')
  if (typeof address === 'object' && address) return address.port
  throw new FreshetError('INTERNAL', 'the system gave no free port')
}
