import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from './server.ts'

/**
 * A real server of another maker, from a program of this machine: on a free port of the loopback, with its data in a folder
 * of its own. It ends when it is disposed of, and also when this process dies: a shell waits for the end of its standard
 * input, and kills the server with all that it started then.
 */
export interface Service extends AsyncDisposable {
  readonly port: number
  /** SIGKILL, as of a host that fails. */
  kill(): Promise<void>
  /** Starts it again, on the same port and data. */
  restart(): Promise<void>
}

/** Why there is none here, for whoever has to skip a test loudly. */
export type ServiceOrNot = { readonly service: Service } | { readonly missing: string }

export interface ServiceSpec {
  /** Where people find a program to take instead, such as `FRESHET_NATS_SERVER`. */
  readonly variable: string
  /** Where it may be: on the PATH, or whole paths. */
  readonly programs: readonly string[]
  command(place: ServicePlace): ServiceCommand
  /** What it says when it is ready, to whoever says this. */
  readonly hello: Buffer
  readonly answer: Buffer
}

export interface ServicePlace {
  readonly port: number
  readonly folder: string
}

export interface ServiceCommand {
  readonly args: readonly string[]
}

const READY_MS = 90_000

export async function startService(spec: ServiceSpec): Promise<ServiceOrNot> {
  const program = findProgram(spec)
  if (program === null)
    return { missing: `there is no ${spec.programs[0]} on the PATH, and ${spec.variable} names none` }
  const folder = await mkdtemp(join(tmpdir(), 'freshet-service-'))
  const port = await freePort()
  const begin = () => started(program, spec, { port, folder })
  let child = await begin()
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.stdin?.end()
    await ended
  }
  const service: Service = {
    port,
    kill,
    restart: async () => {
      await kill()
      child = await begin()
    },
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

/** The shell ends the server when it hears nothing more from here, whatever has become of this process. */
const GUARD = `
setsid "$@" & pid=$!
cat > /dev/null
kill -9 -$pid
wait`

async function started(program: string, spec: ServiceSpec, place: ServicePlace): Promise<ChildProcess> {
  const { args } = spec.command(place)
  const child = spawn('sh', ['-c', GUARD, 'sh', program, ...args], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const until = performance.now() + READY_MS
  while (!(await answers(place.port, spec))) {
    if (performance.now() > until) {
      child.stdin.end()
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
