import { randomBytes } from 'node:crypto'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { FreshetError } from '@freshet/core'
import { giveTo, type Owner } from './owner.ts'

/** A place for what lives only as long as the server. The server's own user has to pass through it. */
export async function scratchDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'freshet-'))
  await chmod(directory, 0o755)
  return directory
}

/** Initialises the directory unless a server lived there before; returns the superuser's password in either case. */
export async function initialise(
  directory: string,
  initdb: string,
  owner: Owner | null,
  scratch: string,
): Promise<string> {
  let made: string | undefined
  try {
    made = await mkdir(directory, { recursive: true, mode: 0o700 })
    if ((await readdir(directory)).length > 0) return await keptPassword(directory)
    const password = randomBytes(12).toString('hex')
    await makeCluster(directory, initdb, owner, join(scratch, PASSWORD_FILE), password)
    return password
  } catch (error) {
    if (made !== undefined) await rm(made, { recursive: true, force: true })
    if (error instanceof FreshetError) throw error
    const { message, stderr } = Object(error) as { message?: string; stderr?: string }
    throw new FreshetError('USAGE', `can not make a PostgreSQL cluster in ${directory}`, {
      detail: stderr?.trim() || message,
      hint: 'Choose a --data-dir in which the server may write.',
      cause: error,
    })
  }
}

async function makeCluster(
  directory: string,
  initdb: string,
  owner: Owner | null,
  passwordFile: string,
  password: string,
): Promise<void> {
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 })
  await giveTo(owner, passwordFile)
  await giveTo(owner, directory)
  const flags = ['--username=postgres', `--pwfile=${passwordFile}`, ...INITDB_FLAGS]
  await promisify(execFile)(initdb, [`--pgdata=${directory}`, ...flags], { ...owner, env: serverEnvironment() })
  await writeFile(join(directory, PASSWORD_FILE), `${password}\n`, { mode: 0o600 })
  await rm(passwordFile)
}

/** Messages in English, so that they can be looked up. */
export function serverEnvironment(): NodeJS.ProcessEnv {
  return { ...process.env, LC_ALL: 'C' }
}

async function keptPassword(directory: string): Promise<string> {
  const password = await readIfThere(join(directory, PASSWORD_FILE))
  if (password !== null) return password.trim()
  throw new FreshetError('USAGE', `${directory} is neither empty nor a data directory that this command made`, {
    hint: 'Choose another --data-dir.',
  })
}

const PASSWORD_FILE = 'freshet.password'

const INITDB_FLAGS = ['--auth=scram-sha-256', '--encoding=UTF8', '--no-locale', '--no-sync']

/** How long a server whose terminal was killed is given to notice it and end. */
const GRACE_MS = 5_000

/**
 * Makes sure that no server runs on the directory. A `postmaster.pid` of a dead server is removed, even if its
 * process id was given to somebody else since: PostgreSQL alone would then refuse to start.
 */
export async function awaitFree(directory: string): Promise<void> {
  const path = join(directory, 'postmaster.pid')
  const deadline = Date.now() + GRACE_MS
  for (;;) {
    const text = await readIfThere(path)
    if (text === null) return
    const [pid = '', , , port = ''] = text.split('\n')
    if (!(await isServerOf(Number(pid), directory))) {
      await rm(path, { force: true })
      return
    }
    if (Date.now() > deadline) {
      throw new FreshetError('USAGE', `a server already runs on ${directory} (process ${pid}, port ${port})`, {
        hint: `Use it, choose another --data-dir, or stop it: kill -INT ${pid}`,
      })
    }
    await sleep(100)
  }
}

/** Whether the process lives and works in the directory, as a server does. Without /proc: whether it lives. */
async function isServerOf(pid: number, directory: string): Promise<boolean> {
  if (!Number.isInteger(pid) || pid <= 0 || !isAlive(pid)) return false
  try {
    return (await readlink(`/proc/${pid}/cwd`)) === (await realpath(directory))
  } catch (error) {
    // Not ours to look into: it may be. Otherwise it has ended and only waits to be noticed, if there is a /proc at all.
    return isSystemError(error, 'EACCES') || !existsSync('/proc/self')
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return isSystemError(error, 'EPERM')
  }
}

export async function readIfThere(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return null
    throw error
  }
}

function isSystemError(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
