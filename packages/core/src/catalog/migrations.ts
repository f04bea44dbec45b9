import { readdir, readFile } from 'node:fs/promises'
import { FreshetError } from '../errors.ts'

/**
 * The schema's history: `migrations/000001.sql`, `000002.sql`, … A released file never changes; new ones are appended.
 *
 * The first line says what the migration does to older programs: `-- compatibility: breaking` makes them refuse the
 * schema, `-- compatibility: additive` lets them work on.
 */
export interface Migration {
  readonly number: number
  /** `000001` */
  readonly name: string
  readonly breaking: boolean
  readonly script: string
}

// the package carries its sources: this path is right from src/catalog and from dist/catalog
const FOLDER = new URL('../../src/catalog/migrations/', import.meta.url)

export async function shippedMigrations(): Promise<readonly Migration[]> {
  const files = (await readdir(FOLDER)).filter((file) => /^\d{6}\.sql$/.test(file)).sort()
  return Promise.all(
    files.map(async (file) => readMigration(file.slice(0, 6), await readFile(new URL(file, FOLDER), 'utf8'))),
  )
}

export function readMigration(name: string, script: string): Migration {
  const compatibility = /^-- compatibility: (breaking|additive)\n/.exec(script)?.[1]
  if (compatibility === undefined) {
    throw new FreshetError('INTERNAL', `migration ${name} does not say what it does to older programs`)
  }
  return { number: Number(name), name, breaking: compatibility === 'breaking', script }
}
