import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Bench } from './stand.ts'

/** The scheduler as a process of its own, as in production. */
const SCHEDULER = fileURLToPath(new URL('../../apps/scheduler/dist/main.js', import.meta.url))

export function startSchedulerProcess(bench: Bench): ChildProcess {
  return spawn(process.execPath, [SCHEDULER], {
    env: { ...process.env, DATABASE_URL: bench.database.url, FRESHET_HTTP_PORT: '0' },
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Throws when it has ended by itself. */
export async function stopSchedulerProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new Error(`the scheduler ended by itself with ${child.exitCode}`)
  child.kill('SIGTERM')
  await once(child, 'exit')
}
