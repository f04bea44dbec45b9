import { isUntested, missingOf, OLDEST_CITUS, TESTED_CITUS } from '@freshet/core'
import type { Finding } from '../finding.ts'

/** What is to be said of the version of Citus; null where there is none. */
export function citusFinding(version: string | null): Finding | null {
  if (version === null) return null
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
