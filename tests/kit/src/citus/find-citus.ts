import { execFile } from 'node:child_process'
import { access, glob } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'

const exec = promisify(execFile)

/**
 * The programs of a PostgreSQL that has Citus: in FRESHET_CITUS_BINDIR, on the PATH, under /opt, or where Debian puts
 * them. Null: there is none on this machine.
 */
export async function findCitus(): Promise<string | null> {
  const given = process.env['FRESHET_CITUS_BINDIR']
  const candidates = given ? [given] : [...(process.env['PATH'] ?? '').split(delimiter), ...(await installed())]
  for (const directory of candidates) if (await hasCitus(join(directory, 'pg_config'))) return binaries(directory)
  if (given) throw new Error(`FRESHET_CITUS_BINDIR is ${given}, and the pg_config there knows of no Citus`)
  return null
}

/** The newest first, as far as names tell. */
async function installed(): Promise<string[]> {
  const found: string[] = []
  for (const pattern of ['/opt/*/bin', '/usr/lib/postgresql/*/bin'])
    for await (const directory of glob(pattern)) found.push(directory)
  return found.sort().reverse()
}

async function hasCitus(pgConfig: string): Promise<boolean> {
  if (!(await exists(pgConfig))) return false
  const { stdout } = await exec(pgConfig, ['--sharedir'])
  return exists(join(stdout.trim(), 'extension', 'citus.control'))
}

/** A wrapper on the PATH may lie elsewhere than the programs. */
async function binaries(directory: string): Promise<string> {
  const { stdout } = await exec(join(directory, 'pg_config'), ['--bindir'])
  return stdout.trim()
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
}
