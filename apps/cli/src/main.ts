#!/usr/bin/env node
import { run } from './run.ts'
import { systemTerminal } from './terminal.ts'
import { ignoreNegativeTimeouts } from './warnings.ts'

ignoreNegativeTimeouts(process)

// A reader that has seen enough (`freshet list | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

// The library and the scheduler are loaded by those who use them: help and wrong usage need neither.
process.exitCode = await run(process.argv.slice(2), {
  terminal: systemTerminal(),
  connect: async (databaseUrl) => {
    const { connect } = await import('@freshet/client')
    return connect({ databaseUrl, applicationName: 'freshet-cli' })
  },
  startScheduler: async (options) => {
    const { startScheduler } = await import('@freshet/scheduler')
    return startScheduler(options)
  },
})

// A refresh that `serve` did not wait for any longer keeps its connection, which would keep the process.
setTimeout(() => process.exit(), 5_000).unref()
