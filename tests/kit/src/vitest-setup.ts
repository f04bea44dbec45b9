import { startServer } from './server.ts'
import { dropTemplate } from './database.ts'

/**
 * Gives the `postgres` test project its server: the one that FRESHET_TEST_DATABASE_URL names, or an embedded one.
 * Workers learn of it through the environment, which they inherit.
 */
export async function setup(): Promise<() => Promise<void>> {
  process.env['FRESHET_TEST_RUN'] = `${process.pid}`
  const given = process.env['FRESHET_TEST_DATABASE_URL']
  if (given) return () => dropTemplate(given)

  const server = await startServer()
  process.env['FRESHET_TEST_DATABASE_URL'] = server.url
  return () => server.stop()
}
