import { execFile } from 'node:child_process'
import { chown, cp, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { FreshetError } from '@freshet/core'
import type { Binaries } from './binaries.ts'

/**
 * PostgreSQL refuses to run as root, so for root its processes belong to another user of the machine: `postgres`
 * where there is one, else `nobody`. Everybody else runs it as himself, and none of this applies.
 */
export interface Owner {
  readonly uid: number
  readonly gid: number
}

const USERS = ['postgres', 'nobody']

export async function serverOwner(): Promise<Owner | null> {
  if (process.getuid?.() !== 0) return null
  for (const user of USERS) {
    const [uid, gid] = await Promise.all([userId('-u', user), userId('-g', user)])
    if (uid && gid) return { uid, gid }
  }
  throw new FreshetError('USAGE', 'PostgreSQL does not run as root, and this machine has no user for it', {
    hint: 'Create one (useradd --system postgres), or run the command as an ordinary user.',
  })
}

/** Makes the file or directory the owner's, who must be able to get there. */
export async function giveTo(owner: Owner | null, path: string): Promise<void> {
  if (!owner) return
  const blocked = await unreachable(owner, dirname(path))
  if (blocked !== null) {
    throw new FreshetError('USAGE', `the server's user can not pass through ${blocked} to ${path}`, {
      hint: 'Choose a --data-dir that every user can reach, such as one below /var/tmp.',
    })
  }
  await chown(path, owner.uid, owner.gid)
}

/** The programs where the owner can run them: where they are, or copied below `scratch` (as from root's home). */
export async function runnable(owner: Owner | null, programs: Binaries, scratch: string): Promise<Binaries> {
  if (!owner || (await unreachable(owner, dirname(programs.postgres))) === null) return programs
  const from = dirname(dirname(programs.postgres))
  const to = join(scratch, 'programs')
  await cp(from, to, { recursive: true, verbatimSymlinks: true })
  const moved = (path: string) => join(to, basename(dirname(path)), basename(path))
  return { postgres: moved(programs.postgres), initdb: moved(programs.initdb) }
}

/** The first directory on the way down to `directory` that the owner may not enter; null when all are open. */
async function unreachable(owner: Owner, directory: string): Promise<string | null> {
  const parent = dirname(directory)
  const above = parent === directory ? null : await unreachable(owner, parent)
  if (above !== null) return above
  const { uid, gid, mode } = await stat(directory)
  const bit = uid === owner.uid ? 0o100 : gid === owner.gid ? 0o010 : 0o001
  return (mode & bit) === 0 ? directory : null
}

async function userId(flag: '-u' | '-g', user: string): Promise<number | null> {
  try {
    const { stdout } = await promisify(execFile)('id', [flag, user])
    return Number(stdout.trim())
  } catch {
    return null // no such user
  }
}
