#!/usr/bin/env node
import { toFreshetError } from '@freshet/core'
import { once } from 'node:events'
import { readConfig, USAGE } from './config.ts'
import { startScheduler } from './scheduler.ts'

/** The scheduler as a process: configured by environment and flags, ended by SIGTERM or SIGINT. */
async function main(): Promise<void> {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(`${USAGE}\n`)
    return
  }
  const { drainTimeoutMs, ...config } = readConfig(process.argv.slice(2), process.env)
  const signal = Promise.race([once(process, 'SIGTERM'), once(process, 'SIGINT')])
  const scheduler = await startScheduler({ ...config, log: process.stdout, tracing: true })
  await signal
  // a second signal ends the process at once
  for (const name of ['SIGTERM', 'SIGINT']) process.once(name, () => process.exit(1))
  await scheduler.stop({ drainTimeoutMs })
  process.exit(0)
}

main().catch((thrown: unknown) => {
  const error = toFreshetError(thrown)
  const hint = error.hint === undefined ? '' : `\nhint: ${error.hint}`
  process.stderr.write(`freshet-scheduler: ${error.message} (${error.code})${hint}\n`)
  process.exit(error.code === 'USAGE' ? 2 : 1)
})
