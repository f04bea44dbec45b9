import { startRelay } from '@freshet/relay'

/** A relay as a process of its own, to be killed. Its configuration is an argument; it tells what happens to it. */
const [, , text = '', databaseUrl = ''] = process.argv
const relay = await startRelay({
  text,
  path: process.cwd(),
  env: {},
  databaseUrl,
  listener: (notice) => {
    if (notice.kind === 'started') process.send?.({ started: notice.relay })
    if (notice.kind === 'failed') process.send?.({ failed: notice.error.code })
  },
})
const MEMORY_MS = 1_000
setInterval(() => process.send?.({ memory: process.memoryUsage() }), MEMORY_MS).unref()
process.on('message', () => void relay.stop().then(() => process.disconnect()))
