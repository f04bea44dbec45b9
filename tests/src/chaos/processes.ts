import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { TestDatabase } from '@freshet/testkit'

/** A process of a fixture, and what it says; killed at the latest when the database is dropped. */
export interface Started {
  readonly process: ChildProcess
  /** What it says next. */
  heard(): Promise<unknown>
}

/** A database on a server, or on a cluster. */
export type Struck = Pick<TestDatabase, 'url' | 'database' | 'defer'>

/** By so much its wall clock is wrong from its beginning on. */
export async function start(own: Struck, fixture: URL, skewMs: number): Promise<Started> {
  const child = fork(fixture, [own.url], {
    execArgv: ['--conditions=@freshet/source'],
    env: { ...process.env, FRESHET_CHAOS_SKEW_MS: String(skewMs) },
  })
  own.defer(() => kill(child))
  const said: unknown[] = []
  child.on('message', (message) => void said.push(message))
  const heard = async () => {
    while (said.length === 0) await once(child, 'message')
    return said.shift()
  }
  return { process: child, heard }
}

export async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}
