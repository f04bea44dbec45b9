import { startServer } from './server.ts'

/**
 * Gives the `postgres` test project its server: the one that FRESHET_TEST_DATABASE_URL names, or an embedded one.
 * Workers learn of it through the environment, which they inherit.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['FRESHET_TEST_DATABASE_URL']) return undefined
  const server = await startServer()
  process.env['FRESHET_TEST_DATABASE_URL'] = server.url
  return () => server.stop()
}
