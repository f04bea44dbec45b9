import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, chown, cp, mkdtemp, open, readFile, rm, rename } from 'node:fs/promises'
import { tmpdir, userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import { freePort, watch } from '../server.ts'

/**
 * A Citus cluster of this process alone: a coordinator and workers, each a server of its own on a free port of the
 * loopback device, under the operating system's temporary directory. They end with this process, however that ends.
 *
 * A server is initialised once and copied, so all of them have one system identifier; Citus does not look at it.
 */
export interface Cluster extends AsyncDisposable {
  readonly coordinator: ClusterNode
  readonly workers: readonly ClusterNode[]
  stop(): Promise<void>
}

export interface ClusterNode {
  readonly port: number
  /** Of the maintenance database, as superuser. */
  readonly url: string
  readonly pid: number | null
  /** SIGKILL to the first process, and nothing else. */
  kill(): Promise<void>
  /** Again, after `kill`: the same data, the same port. */
  start(): Promise<void>
  /** A base backup of it as it is now, for `restore`. */
  backUp(): Promise<Backup>
  /** Its data are given up for those of the backup, which can be restored once. */
  restore(backup: Backup): Promise<void>
}

export interface Backup {
  readonly directory: string
}

const WORKERS = 3

type Settings = Readonly<Record<string, string>>

const SETTINGS: Settings = {
  shared_preload_libraries: 'citus',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  wal_level: 'logical',
  max_connections: '150',
  max_prepared_transactions: '200',
  max_worker_processes: '64',
  shared_buffers: '64MB',
  fsync: 'off',
  full_page_writes: 'off',
  jit: 'off',
  log_line_prefix: '%m [%p] %d ',
  'citus.enable_statistics_collection': 'off',
  'citus.node_conninfo': 'sslmode=disable',
}

/** `settings`: of every node, over those of the tests, which take little memory. */
export async function startCluster(binaries: string, workers = WORKERS, settings: Settings = {}): Promise<Cluster> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-citus-'))
  const owner = await serverUser()
  const nodes: Node[] = []
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop('SIGQUIT')))
    await rm(directory, { recursive: true, force: true })
  }
  try {
    await chmod(directory, 0o755)
    if (owner !== null) await chown(directory, owner.uid, owner.gid)
    const data = (n: number) => join(directory, `node-${n}`)
    const initialise = ['-D', data(0), '-U', 'postgres', '-A', 'trust', '--encoding=UTF8', '--no-locale', '--no-sync']
    await promisify(execFile)(join(binaries, 'initdb'), initialise, { ...owner, cwd: directory })
    for (let n = 1; n <= workers; n++) {
      await cp(data(0), data(n), { recursive: true })
      if (owner !== null) await promisify(execFile)('chown', ['-R', `${owner.uid}:${owner.gid}`, data(n)])
    }
    for (let n = 0; n <= workers; n++)
      nodes.push(
        new Node({ program: join(binaries, 'postgres'), data: data(n), port: await freePort(), owner, settings }),
      )
    await Promise.all(nodes.map((node) => node.start()))
    const [coordinator, ...others] = nodes
    if (coordinator === undefined) throw new Error('a cluster without a coordinator')
    return { coordinator, workers: others, stop, [Symbol.asyncDispose]: stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Beside the data of a server: what it prints. */
function logOf(data: string): string {
  return `${data}.log`
}

/** The last lines that a server printed; of those, the ones in which a text occurs. */
export async function lastOf(data: string, about = ''): Promise<string> {
  const lines = (await readFile(logOf(data), 'utf8')).split('\n')
  return lines
    .filter((line) => line.includes(about))
    .slice(-50)
    .join('\n')
}

interface Owner {
  readonly uid: number
  readonly gid: number
}

/** PostgreSQL refuses to run as root: then its servers are nobody's. */
async function serverUser(): Promise<Owner | null> {
  if (userInfo().uid !== 0) return null
  const id = async (flag: string) => Number((await promisify(execFile)('id', [flag, 'nobody'])).stdout)
  return { uid: await id('-u'), gid: await id('-g') }
}

interface NodePlace {
  readonly program: string
  readonly data: string
  readonly port: number
  readonly owner: Owner | null
  readonly settings: Settings
}

class Node implements ClusterNode {
  readonly port: number
  readonly url: string
  private readonly place: NodePlace
  private child: ChildProcess | null = null
  private watchdog: ReturnType<typeof watch> | null = null
  private backups = 0

  constructor(place: NodePlace) {
    this.place = place
    this.port = place.port
    this.url = `postgresql://postgres@127.0.0.1:${place.port}/postgres`
  }

  get pid(): number | null {
    return this.child?.pid ?? null
  }

  async start(): Promise<void> {
    const { program, data, port, owner, settings } = this.place
    const flags = Object.entries({ ...SETTINGS, ...settings, port: String(port) }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ])
    const log = await open(logOf(data), 'a')
    // all of its processes hold the last one: it is closed when none is left, and none keeps the memory of one that was killed
    const stdio = ['ignore', log.fd, log.fd, 'pipe'] as const
    const child = spawn(program, ['-D', data, ...flags], { ...owner, cwd: data, stdio: [...stdio] })
    child.stdio[3]?.on('data', () => undefined)
    this.child = child
    await once(child, 'spawn')
    await log.close()
    if (child.pid !== undefined) this.watchdog = watch(child.pid, data)
    await this.answering(child)
  }

  async kill(): Promise<void> {
    await this.stop('SIGKILL')
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    const child = this.child
    this.child = null
    // before the server: the watchdog would take its data away
    this.watchdog?.kill()
    if (child?.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'close')
    child.kill(signal)
    await ended
  }

  async backUp(): Promise<Backup> {
    const { program, data, owner } = this.place
    const directory = `${data}-backup-${++this.backups}`
    const made = ['-D', directory, '-d', this.url, '--checkpoint=fast', '--wal-method=stream', '--no-sync']
    await promisify(execFile)(join(dirname(program), 'pg_basebackup'), made, { ...owner, cwd: dirname(data) })
    return { directory }
  }

  async restore({ directory }: Backup): Promise<void> {
    await this.stop('SIGQUIT')
    await rm(this.place.data, { recursive: true })
    await rename(directory, this.place.data)
    await this.start()
  }

  private async answering(child: ChildProcess): Promise<void> {
    const end = performance.now() + 60_000
    for (;;) {
      const client = new pg.Client({ connectionString: this.url })
      try {
        await client.connect()
        await client.query('select')
        return
      } catch (error) {
        if (child.exitCode !== null || performance.now() > end)
          throw new Error(`a node of the cluster did not start:\n${await lastOf(this.place.data)}`, { cause: error })
        await sleep(50)
      } finally {
        await client.end()
      }
    }
  }
}
