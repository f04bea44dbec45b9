import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Certificate } from './certificates.ts'
import { freePort } from './server.ts'

/**
 * A real server of another maker, from a program of this machine: on a free port of the loopback, with its data in a folder
 * of its own. It ends when it is disposed of, and also when this process dies: a shell waits for the end of its standard
 * input, and kills the server with all that it started then.
 */
export interface Service extends AsyncDisposable {
  readonly port: number
  /** Where it speaks TLS, if it was given a certificate. */
  readonly securePort: number
  /** Where its data is. */
  readonly folder: string
  /** SIGKILL, as of a host that fails. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>
  /** SIGSTOP, as of a host that hangs. */
  freeze(): Promise<void>
  /** It goes on. */
  thaw(): Promise<void>
}

/** Why there is none here, for whoever has to skip a test loudly. */
export type ServiceOrNot = { readonly service: Service } | { readonly missing: string }

/** Who may log in, and what the server shows as its own. */
export interface ServiceSecurity {
  readonly certificate: Certificate
  readonly user: string
  readonly password: string
}

export interface ServiceSpec {
  /** Where people find a program to take instead, such as `FRESHET_NATS_SERVER`. */
  readonly variable: string
  /** Where it may be: on the PATH, or whole paths. */
  readonly programs: readonly string[]
  command(place: ServicePlace): ServiceCommand
  /** It listens on the secure port alone. */
  readonly secureOnly?: boolean
  /** What it says when it is ready, to whoever says this. */
  readonly hello: Buffer
  readonly answer: Buffer
}

export interface ServicePlace {
  readonly port: number
  readonly securePort: number
  readonly folder: string
}

export interface ServiceCommand {
  readonly args: readonly string[]
  /** Programs that the server needs beside it, in shell words; they end with it. */
  readonly beside?: string
  readonly env?: Readonly<Record<string, string>>
  /** Written into its folder before it starts. */
  readonly files?: Readonly<Record<string, string>>
}

/** RabbitMQ takes seven seconds, and far longer on a machine that is busy. */
const READY_MS = 240_000

export async function startService(spec: ServiceSpec): Promise<ServiceOrNot> {
  const program = findProgram(spec)
  if (program === null)
    return { missing: `there is no ${spec.programs[0]} on the PATH, and ${spec.variable} names none` }
  const folder = await mkdtemp(join(tmpdir(), 'freshet-service-'))
  const [port, securePort] = [await freePort(), await freePort()]
  const begin = () => started(program, spec, { port, securePort, folder })
  let child = await begin()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.stdin?.end()
    await ended
  }
  const service: Service = {
    port,
    securePort,
    folder,
    kill,
    restart: async () => {
      await kill()
      child = await begin()
    },
    freeze: () => signal(child, 'STOP'),
    thaw: () => signal(child, 'CONT'),
    [Symbol.asyncDispose]: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
  return { service }
}

function findProgram({ variable, programs }: ServiceSpec): string | null {
  const found = [process.env[variable], ...programs].find(
    (path) => path !== undefined && path !== '' && spawnSync('sh', ['-c', 'command -v "$1"', 'sh', path]).status === 0,
  )
  return found ?? null
}

/**
 * The shell ends the server when it hears nothing more from here, whatever has become of this process. A word from here is a
 * signal to the server, and is answered when it was sent.
 */
const GUARD = `
setsid sh -c "$0"'exec "$@"' sh "$@" 3>&- & pid=$!
while read -r signal; do kill -"$signal" -$pid; echo sent >&3; done
kill -9 -$pid
wait`

/** Files that a server reads a certificate from. */
export function certificateFiles({ certificate }: ServiceSecurity): Readonly<Record<string, string>> {
  return { 'server.crt': certificate.certificate, 'server.key': certificate.key }
}

async function signal(child: ChildProcess, name: 'STOP' | 'CONT'): Promise<void> {
  const answer = child.stdio[3]
  if (!answer) throw new Error('the server has no guard')
  const sent = once(answer, 'data')
  child.stdin?.write(`${name}\n`)
  await sent
}

async function started(program: string, spec: ServiceSpec, place: ServicePlace): Promise<ChildProcess> {
  const { args, beside, env, files = {} } = spec.command(place)
  for (const [name, text] of Object.entries(files)) await writeFile(join(place.folder, name), text)
  const first = beside === undefined ? '' : `${beside} & `
  const child = spawn('sh', ['-c', GUARD, first, program, ...args], {
    env: { ...process.env, ...env },
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const until = performance.now() + READY_MS
  while (!(await answers(spec.secureOnly === true ? place.securePort : place.port, spec))) {
    if (performance.now() > until) {
      child.stdin?.end()
      throw new Error(`${program} did not start:\n${log}`)
    }
    await sleep(20)
  }
  return child
}

async function answers(port: number, { hello, answer }: ServiceSpec): Promise<boolean> {
  const socket = createConnection(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.write(hello)
    const said: readonly unknown[] = await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })
    const [first] = said
    return Buffer.isBuffer(first) && first.subarray(0, answer.length).equals(answer)
  } catch (error) {
    if (isPassing(error)) return false
    throw error
  } finally {
    socket.on('error', () => undefined) // it is given up
    socket.destroy()
  }
}

/** Nobody listens yet, or who listens says nothing yet. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  return error.name === 'AbortError' || ('code' in error && ['ECONNREFUSED', 'ECONNRESET'].includes(String(error.code)))
}
