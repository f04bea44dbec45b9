import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/**
 * The 22 queries of TPC-H with the parameters of the specification's validation run, in order. The files are read from
 * the sources, by tests and by what was built of them alike.
 */
export interface TpchQuery {
  /** `q01` … `q22`. */
  readonly name: string
  readonly sql: string
}

const FOLDER = fileURLToPath(new URL('../../src/tpch/queries/', import.meta.url))

export const TPCH_QUERIES: readonly TpchQuery[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.sql'))
  .sort()
  .map((file) => ({ name: file.slice(0, -'.sql'.length), sql: readFileSync(FOLDER + file, 'utf8').trim() }))

/** Those of these names, in order; all 22 when none are given. */
export function tpchQueries(names?: readonly string[]): readonly TpchQuery[] {
  return TPCH_QUERIES.filter(({ name }) => names?.includes(name) ?? true)
}
