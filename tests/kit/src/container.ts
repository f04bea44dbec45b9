import { PostgreSqlContainer } from '@testcontainers/postgresql'
import { type Server, TEST_SETTINGS } from './server.ts'

/** The same server from an image, where a container engine runs: for other versions of PostgreSQL than the embedded one. */
export async function startContainer(image: string): Promise<Server> {
  const settings = Object.entries(TEST_SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const container = await new PostgreSqlContainer(image).withCommand(['postgres', ...settings]).start()
  let stopped: Promise<void> | undefined
  const stop = () =>
    (stopped ??= (async () => {
      await container.stop()
    })())
  return { url: container.getConnectionUri(), pid: null, stop, [Symbol.asyncDispose]: stop }
}
