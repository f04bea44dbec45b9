import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { connect } from '@freshet/client'
import { startScheduler } from '@freshet/scheduler'
import { run } from './run.ts'
import { paperTerminal } from './terminal.fixture.ts'

/** The real command, as a process of its own, from its sources. */
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url))

export interface Ended {
  readonly exitCode: number | null
  readonly out: string
  readonly err: string
}

export function startFreshet(words: readonly string[], env: Readonly<Record<string, string>> = {}): ChildProcess {
  return spawn(process.execPath, ['--conditions=@freshet/source', MAIN, ...words], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
}

/** The same without a process, which costs half a second: for the many that only ask what is answered. */
export async function freshetHere(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const { terminal, written } = paperTerminal({ env })
  const exitCode = await run(words, { terminal, connect: (databaseUrl) => connect({ databaseUrl }), startScheduler })
  return { exitCode, ...written }
}

export async function freshet(
  words: readonly string[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<Ended> {
  const child = startFreshet(words, env)
  child.stdin?.end(input)
  const [out, err] = await Promise.all([
    child.stdout ? text(child.stdout) : '',
    child.stderr ? text(child.stderr) : '',
    once(child, 'exit'),
  ])
  return { exitCode: child.exitCode, out, err }
}

/** The first line that a running command answers with. */
export async function firstLine(child: ChildProcess): Promise<string> {
  let seen = ''
  let complaint = ''
  child.stderr?.on('data', (data: Buffer) => (complaint += data.toString('utf8')))
  for await (const data of child.stdout ?? []) {
    seen += String(data)
    const end = seen.indexOf('\n')
    if (end >= 0) return seen.slice(0, end)
  }
  throw new Error(`it ended without an answer: ${complaint}`)
}

/** Asks a running command to end, and returns its exit code. */
export async function end(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill(signal)
    await once(child, 'exit')
  }
  return child.exitCode
}
