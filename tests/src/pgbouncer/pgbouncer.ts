import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '@freshet/testkit'

/**
 * A real PgBouncer in transaction mode, in front of a test server. It is looked for where FRESHET_PGBOUNCER says, and on
 * the PATH; where there is none, `pgbouncer` is null, and it is said that nothing was tested.
 */
export interface PgBouncer extends AsyncDisposable {
  /** The same address, through the pooler. */
  through(url: string): string
}

export const pgbouncer: string | null = find()

function find(): string | null {
  const candidates = [process.env['FRESHET_PGBOUNCER'], 'pgbouncer', '/usr/sbin/pgbouncer']
  const found = candidates.find((path) => path !== undefined && spawnSync(path, ['--version']).status === 0)
  if (found !== undefined) return found
  process.stderr.write('NOT TESTED: PgBouncer; there is none on the PATH, and FRESHET_PGBOUNCER names none\n')
  return null
}

/** It refuses to run as root. */
const NOBODY = 65_534

/** `poolSize`: connections to the server for each database and role. */
export async function startPgBouncer(program: string, serverUrl: string, poolSize: number): Promise<PgBouncer> {
  const server = new URL(serverUrl)
  const directory = await mkdtemp(join(tmpdir(), 'freshet-pgbouncer-'))
  await chmod(directory, 0o755)
  const port = await freePort()
  const [user, password] = [server.username, server.password].map(decodeURIComponent)
  const config = join(directory, 'pgbouncer.ini')
  await writeFile(
    config,
    `[databases]
* = host=${server.hostname} port=${server.port || '5432'} user=${user} password=${password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = ${poolSize}
max_client_conn = 500
`,
  )
  const asNobody = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}
  const child = spawn(program, [config], { stdio: ['ignore', 'ignore', 'pipe'], ...asNobody })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const ended = once(child, 'exit')
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    await rm(directory, { recursive: true, force: true })
  }
  while (!(await answers(port))) {
    if (child.exitCode !== null) {
      await stop()
      throw new Error(`PgBouncer did not start:\n${log}`)
    }
    await sleep(20)
  }
  return {
    through(url) {
      const changed = new URL(url)
      changed.hostname = '127.0.0.1'
      changed.port = String(port)
      return changed.toString()
    },
    [Symbol.asyncDispose]: stop,
  }
}

async function answers(port: number): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') return false
    throw error
  } finally {
    socket.destroy()
  }
}
