import {
  isUntested,
  missingOf,
  OLDEST_CITUS,
  type Queryable,
  raw,
  readCitusVersion,
  readSettings,
  TESTED_CITUS,
} from '@freshet/core'
import type { Finding } from '../finding.ts'

/** What is to be said of the cluster: nothing where there is no Citus. One that is too old is an error, and the only one. */
export async function examineCitus(database: Queryable): Promise<readonly Finding[]> {
  const version = await readCitusVersion(database)
  if (version === null) return []
  const finding = versionFinding(version)
  return finding.level === 'error' ? [finding] : [finding, ...(await nodeFindings(database))]
}

/** Nodes that the schedulers could not reach when they last tried. */
async function nodeFindings(database: Queryable): Promise<readonly Finding[]> {
  const away = await database.query<{ group: number; node: string; failures: number; message: string; since: Date }>(
    raw(`select h.group_id as "group", n.nodename || ':' || n.nodeport as node, h.failures,
        h.last_error ->> 'message' as message, h.failing_since as since
      from freshet.node_health h join pg_catalog.pg_dist_node n on n.groupid = h.group_id and n.noderole = 'primary'
      where h.failures > 0 order by 1`),
  )
  if (away.length === 0) return []
  const { citus_worker_retry_ticks: ticks } = await readSettings(database)
  return away.map(({ group, node, failures, message, since }) => ({
    level: failures >= ticks ? 'error' : 'warning',
    subject: `node ${node}`,
    message: `group ${group} has not answered since ${since.toISOString()}: ${message}`,
    hint: 'What lies there waits, and follows by itself when the node is back. freshet citus status',
  }))
}

function versionFinding(version: string): Finding {
  const missing = missingOf(version)
  if (missing.length > 0)
    return {
      level: 'error',
      subject: 'citus',
      message: `Citus ${version} lacks ${missing.map(({ name, since }) => `${name} (since ${since})`).join('; ')}`,
      hint: `Upgrade Citus on all nodes to ${OLDEST_CITUS} or later, and then: alter extension citus update;`,
    }
  if (isUntested(version))
    return {
      level: 'warning',
      subject: 'citus',
      message: `Citus ${version} has what is needed, and Freshet's tests run on ${TESTED_CITUS}`,
      hint: 'Try it with your tables first: freshet verify --all',
    }
  return { level: 'ok', subject: 'citus', message: `Citus ${version}`, hint: null }
}
