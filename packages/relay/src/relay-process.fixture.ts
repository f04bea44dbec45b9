import { startRelay } from './relay.ts'

/** A relay as a process of its own, to be killed. Its configuration is an argument; it says `ready` when it runs. */
const [, , text = '', databaseUrl = ''] = process.argv
await startRelay({
  text,
  path: process.cwd(),
  env: {},
  databaseUrl,
  listener: (notice) => {
    if (notice.kind === 'started') process.send?.('started')
    if (notice.kind === 'failed') process.stderr.write(`relay: ${notice.error.code} ${notice.error.message}\n`)
  },
})
process.send?.('ready')
