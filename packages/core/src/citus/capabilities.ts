import type { Queryable } from '../database.ts'
import { FreshetError } from '../errors.ts'
import { sql } from '../sql.ts'

/**
 * What Freshet relies on of Citus, and since which version that is there. A version that lacks one of them is refused as a
 * whole, before anything is done: half of a capture would lose changes. `contract.citus.test.ts` shows each of them on the
 * version that it runs on.
 */
export interface Capability {
  readonly name: string
  readonly since: string
  readonly serves: string
}

export const CAPABILITIES: readonly Capability[] = [
  {
    name: '`pg_dist_local_group`, `column_to_column_name`',
    since: '6.1',
    serves: 'a trigger knows the node that it runs on, and the distribution column by its present name',
  },
  {
    name: '`citus.multi_shard_modify_mode`',
    since: '7.5',
    serves: 'one connection to each node, so that rows and changes are read in one snapshot of each shard',
  },
  {
    name: '`get_shard_id_for_distribution_column`',
    since: '8.0',
    serves: 'a trigger knows the shard of a value, and who collects the node of a witness',
  },
  {
    name: 'the coordinator in the metadata, `citus_add_local_table_to_metadata`',
    since: '10.0',
    serves: 'reference tables have a copy on the coordinator, where their changes are captured',
  },
  {
    name: 'metadata on all nodes',
    since: '11.0',
    serves: 'writers on any node, whose changes are captured where the shards are',
  },
  { name: '`citus.enable_unsafe_triggers`', since: '11.0', serves: 'triggers on the shards' },
  {
    name: '`citus_check_connection_to_node`',
    since: '11.0',
    serves: 'a node that can not be reached is told from one that answers',
  },
  {
    name: 'schema-based sharding, `pg_dist_schema`, tables on one node',
    since: '12.0',
    serves: 'tables of a tenant, and tables that are distributed without being cut',
  },
]

/** The oldest that has all of them. */
export const OLDEST_CITUS = CAPABILITIES.map(({ since }) => since).reduce((a, b) => (isBefore(a, b) ? b : a))

/** What the tests run on. An older one that has all capabilities works by what is known of it. */
export const TESTED_CITUS = '14.0'

/** As an expression, such as `14.0-1`: null where the extension is not in this database. It costs no round trip of its own. */
export const CITUS_VERSION = sql`(select extversion from pg_catalog.pg_extension where extname = 'citus')`

/** For who asks nothing else. */
export async function readCitusVersion(queryable: Queryable): Promise<string | null> {
  const [row] = await queryable.query<{ citus: string | null }>(sql`select ${CITUS_VERSION} as citus`, {
    prepared: true,
  })
  return row?.citus ?? null
}

/** Whether Citus is there; one that is too old is refused. */
export function isCapable(version: string | null): version is string {
  if (version === null) return false
  const missing = missingOf(version)
  if (missing.length === 0) return true
  throw new FreshetError('CITUS_TOO_OLD', `Citus ${version} is too old: Freshet needs ${OLDEST_CITUS} or later`, {
    detail: `It lacks ${missing.map(({ name, since }) => `${name} (since ${since})`).join('; ')}.`,
  })
}

/** What this version lacks. */
export function missingOf(version: string): readonly Capability[] {
  return CAPABILITIES.filter(({ since }) => isBefore(version, since))
}

/** Nothing was tried on it. */
export function isUntested(version: string): boolean {
  return isBefore(version, TESTED_CITUS)
}

/** By major and minor version; what comes after them says nothing of what is there. */
function isBefore(version: string, other: string): boolean {
  const [[major, minor], [otherMajor, otherMinor]] = [partsOf(version), partsOf(other)]
  return major < otherMajor || (major === otherMajor && minor < otherMinor)
}

function partsOf(version: string): readonly [number, number] {
  const [, major, minor] = /^(\d+)(?:\.(\d+))?/.exec(version) ?? []
  return [Number(major ?? 0), Number(minor ?? 0)]
}
