import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TestDatabase } from '@freshet/testkit'
import type { Place } from './outside-copy.ts'

export interface KeptProcess {
  start(): Promise<void>
  kill(): Promise<void>
  signal(signal: NodeJS.Signals): void
  /** Until it has killed itself where it was told to. */
  fall(place: Place, left: number, meanwhile?: () => Promise<void>): Promise<void>
}

/** A process that must not end by itself; what it says goes to standard error. */
export async function keptProcess(own: TestDatabase, script: URL, args: readonly string[]): Promise<KeptProcess> {
  let child: ChildProcess
  const start = async () => {
    child = fork(fileURLToPath(script), args, { execArgv: ['--conditions=@freshet/source'] })
    const told = once(child, 'message').then(() => true)
    const gone = once(child, 'exit').then(() => false)
    if (!(await Promise.race([told, gone]))) throw new Error(`${script.pathname} did not start`)
  }
  const ended = async () => {
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    if (child.signalCode !== 'SIGKILL') throw new Error(`${script.pathname} ended by itself with ${child.exitCode}`)
  }
  const kill = async () => {
    child.kill('SIGKILL')
    await ended()
  }
  await start()
  own.defer(async () => {
    if (child.exitCode === null) await kill()
  })
  return {
    start,
    kill,
    signal: (signal) => {
      if (!child.kill(signal)) throw new Error(`${script.pathname} ended by itself with ${child.exitCode}`)
    },
    fall: async (place, left, meanwhile) => {
      if (child.exitCode === null) child.send({ place, left })
      await Promise.all([ended(), meanwhile?.()])
    },
  }
}
