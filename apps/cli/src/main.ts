#!/usr/bin/env node
import { connect } from '@freshet/client'
import { startScheduler } from '@freshet/scheduler'
import { run } from './run.ts'
import { systemTerminal } from './terminal.ts'

// A reader that has seen enough (`freshet list | head`) is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit()
})

process.exitCode = await run(process.argv.slice(2), {
  terminal: systemTerminal(),
  connect: (databaseUrl) => connect({ databaseUrl }),
  startScheduler,
})
