import { startCluster } from './cluster.ts'
import { urlsOf } from './cluster-database.ts'
import { findCitus } from './find-citus.ts'

/**
 * Gives the `citus` test project its cluster. Workers learn of it through the environment, which they inherit; where
 * there is no Citus, the files of the project skip their tests, and this says so for everybody to see.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['FRESHET_TEST_CITUS_URLS']) return undefined
  const binaries = await findCitus()
  if (binaries === null) {
    process.stderr.write(`\n${'!'.repeat(78)}\n${MISSING}\n${'!'.repeat(78)}\n\n`)
    return undefined
  }
  const cluster = await startCluster(binaries)
  process.env['FRESHET_TEST_CITUS_URLS'] = urlsOf(cluster).join(' ')
  return () => cluster.stop()
}

const MISSING = `!! THE TESTS ON CITUS ARE SKIPPED: this machine has no PostgreSQL with Citus.
!! They look for a pg_config whose server has the extension in FRESHET_CITUS_BINDIR,
!! on the PATH, in /opt/*/bin and in /usr/lib/postgresql/*/bin.`
