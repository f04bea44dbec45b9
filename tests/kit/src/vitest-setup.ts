import { startServer } from './server.ts'

/**
 * Gives the `postgres` test project its server: the one that FRESHET_TEST_DATABASE_URL names, one from the container
 * image FRESHET_TEST_IMAGE (`postgres:16`), or an embedded one. Workers learn of it through the environment, which they
 * inherit.
 */
export async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env['FRESHET_TEST_DATABASE_URL']) return undefined
  const image = process.env['FRESHET_TEST_IMAGE']
  const server = image ? await (await import('./container.ts')).startContainer(image) : await startServer()
  process.env['FRESHET_TEST_DATABASE_URL'] = server.url
  return () => server.stop()
}
